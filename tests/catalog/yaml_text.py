"""The layers.yaml that most tests start from."""

LAYERS = """\
roads:
  path: layers.gpkg
  layer: roads
  columns: {route: LXBM, name: LXMC, tech_class: LDJSDJ, pavement_width_m: LMKD, roadbed_width_m: LJKD,
            stake_from_km: QDZH, stake_to_km: ZDZH}
counties: {path: layers.gpkg, layer: counties, columns: {code: XZQDM, name: XZQMC}}
"""
