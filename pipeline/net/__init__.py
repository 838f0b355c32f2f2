"""The way out: requests over http(s) and s3 with retries and limits, credentials, signed links, the local cache.

Nothing else in the package opens a connection for images or catalogues; GDAL never does.
"""
