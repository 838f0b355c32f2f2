"""What data exists: vector layers with the client's columns, sensor profiles, and images by place and date."""
