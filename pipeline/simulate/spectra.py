"""Reflectance of what lies on the ground in four bands, and what fields look like through the year.

Values are typical surface reflectances; those of pavements and grain follow the ranges that the detection of grain on
roads must tell apart (cement near dry grain in brightness, apart from it in hue and near infrared).
"""

from __future__ import annotations

import datetime as dt

import numpy as np

BANDS = ("blue", "green", "red", "nir")

REFLECTANCE: dict[str, tuple[float, float, float, float]] = {
    # soils and plants
    "soil": (0.100, 0.126, 0.152, 0.215),
    "soil_moist": (0.074, 0.090, 0.108, 0.155),
    "wheat_green": (0.026, 0.058, 0.034, 0.430),
    "wheat_yellowing": (0.045, 0.092, 0.085, 0.330),
    "wheat_ripe": (0.075, 0.125, 0.170, 0.300),
    "maize_green": (0.028, 0.058, 0.034, 0.420),
    "maize_ripe": (0.058, 0.088, 0.098, 0.245),
    "stubble": (0.110, 0.146, 0.178, 0.262),
    "vegetables": (0.034, 0.075, 0.044, 0.400),
    "plastic_mulch": (0.200, 0.215, 0.225, 0.270),
    "grass": (0.046, 0.074, 0.062, 0.250),
    "grass_dry": (0.075, 0.105, 0.120, 0.230),
    "canopy": (0.024, 0.046, 0.030, 0.330),
    "straw": (0.130, 0.178, 0.235, 0.320),
    "water": (0.038, 0.050, 0.036, 0.018),
    "ditch": (0.035, 0.052, 0.042, 0.150),
    # earth and pavements
    "dirt": (0.132, 0.160, 0.188, 0.250),
    "spoil": (0.118, 0.154, 0.196, 0.262),
    "gravel": (0.195, 0.222, 0.245, 0.275),
    "sand": (0.185, 0.240, 0.295, 0.350),
    "asphalt": (0.092, 0.102, 0.110, 0.135),
    "asphalt_new": (0.040, 0.042, 0.046, 0.055),
    "concrete": (0.215, 0.245, 0.268, 0.305),
    "paint": (0.480, 0.490, 0.490, 0.500),
    "paint_yellow": (0.160, 0.330, 0.430, 0.480),
    # stores by the road and their covers
    "brick": (0.085, 0.105, 0.190, 0.250),
    "timber": (0.115, 0.150, 0.195, 0.290),
    "cobs": (0.085, 0.230, 0.370, 0.520),
    "manure": (0.048, 0.058, 0.070, 0.120),
    "sheet_blue": (0.240, 0.130, 0.060, 0.200),
    "sheet_green": (0.060, 0.140, 0.075, 0.230),
    "sheet_black": (0.036, 0.037, 0.039, 0.050),
    # grain
    "wheat_grain": (0.170, 0.258, 0.368, 0.570),
    "maize_grain": (0.098, 0.285, 0.450, 0.620),
    "rice_grain": (0.160, 0.244, 0.338, 0.535),
    # roofs and walls
    "tile_red": (0.068, 0.084, 0.150, 0.200),
    "tile_grey": (0.098, 0.108, 0.116, 0.135),
    "concrete_roof": (0.188, 0.208, 0.224, 0.255),
    "steel_blue": (0.215, 0.150, 0.092, 0.220),
    "steel_white": (0.360, 0.365, 0.360, 0.370),
    "steel_red": (0.070, 0.075, 0.200, 0.270),
    "roof_dark": (0.058, 0.062, 0.068, 0.080),
    "wall": (0.170, 0.185, 0.200, 0.220),
    "film": (0.250, 0.270, 0.275, 0.340),
    "net_green": (0.052, 0.120, 0.070, 0.190),
    # billboards: prints, frames and posts of galvanised steel
    "print_white": (0.400, 0.410, 0.415, 0.420),
    "print_blue": (0.260, 0.130, 0.070, 0.180),
    "print_red": (0.070, 0.065, 0.330, 0.380),
    "print_green": (0.080, 0.190, 0.080, 0.210),
    "print_faded": (0.250, 0.255, 0.250, 0.270),
    "galvanised": (0.265, 0.270, 0.270, 0.268),
    # vehicles
    "car_white": (0.420, 0.425, 0.425, 0.430),
    "car_black": (0.035, 0.035, 0.037, 0.040),
    "car_grey": (0.180, 0.185, 0.190, 0.200),
    "car_red": (0.050, 0.050, 0.210, 0.270),
    "car_blue": (0.200, 0.100, 0.060, 0.090),
    "tarpaulin": (0.110, 0.180, 0.090, 0.160),
}


def spectrum(name: str) -> np.ndarray:
    """Reflectance of one surface, float32 (4,)."""
    return np.array(REFLECTANCE[name], np.float32)


# Field states: what covers, what shows between, mean cover, its natural spread, contrast of the drill rows.
STATES: tuple[tuple[str, str, float, float, float], ...] = (
    ("soil", "soil_moist", 0.70, 0.22, 0.10),  # 0 bare and dry
    ("soil", "soil_moist", 0.18, 0.20, 0.10),  # 1 freshly tilled
    ("wheat_green", "soil", 0.28, 0.10, 0.16),  # 2 sprouting
    ("wheat_green", "soil", 0.92, 0.09, 0.05),  # 3 closed green wheat
    ("wheat_yellowing", "soil", 0.92, 0.10, 0.04),  # 4 turning
    ("wheat_ripe", "stubble", 0.85, 0.15, 0.04),  # 5 ripe
    ("stubble", "soil", 0.72, 0.16, 0.14),  # 6 stubble
    ("maize_green", "soil_moist", 0.93, 0.08, 0.08),  # 7 closed maize
    ("maize_ripe", "soil", 0.88, 0.12, 0.08),  # 8 ripe maize
    ("vegetables", "soil_moist", 0.70, 0.15, 0.22),  # 9 vegetables
    ("plastic_mulch", "soil", 0.62, 0.12, 0.40),  # 10 under mulch
    ("canopy", "grass", 0.78, 0.18, 0.30),  # 11 orchard or poplars
    ("grass", "grass_dry", 0.60, 0.25, 0.0),  # 12 fallow
)

# Wheat-maize rotation of the plain between the Yellow River and the Huai: day of year -> share of each state.
_ROTATION: tuple[tuple[int, dict[int, float]], ...] = (
    (1, {0: 0.25, 2: 0.75}),
    (75, {0: 0.08, 1: 0.05, 2: 0.25, 3: 0.62}),
    (118, {0: 0.07, 1: 0.07, 3: 0.86}),
    (138, {0: 0.05, 1: 0.05, 3: 0.35, 4: 0.55}),
    (158, {1: 0.05, 4: 0.15, 5: 0.45, 6: 0.35}),
    (175, {1: 0.25, 2: 0.35, 6: 0.40}),
    (200, {0: 0.05, 2: 0.25, 7: 0.70}),
    (245, {7: 0.90, 0: 0.10}),
    (270, {1: 0.10, 6: 0.15, 7: 0.30, 8: 0.45}),
    (285, {0: 0.20, 1: 0.28, 6: 0.26, 8: 0.26}),
    (305, {0: 0.25, 1: 0.30, 2: 0.38, 6: 0.07}),
    (366, {0: 0.25, 2: 0.75}),
)


def field_states(day: dt.date) -> np.ndarray:
    """State of each of 65 536 hashed parcels on a day, uint8 (65536,): neighbours in time stay neighbours in state."""
    days = [at for at, _ in _ROTATION]
    shares = np.array([[table.get(s, 0.0) for s in range(len(STATES))] for _, table in _ROTATION])
    doy = day.timetuple().tm_yday
    now = np.array([np.interp(doy, days, shares[:, s]) for s in range(len(STATES))])
    rank = np.arange(65536)
    kind = (rank * 40503 % 65536) / 65536.0  # the crop, independent of the parcel's place within the season
    out = np.searchsorted(np.cumsum(now) / now.sum(), (rank + 0.5) / 65536.0).astype(np.uint8)
    season = (rank + doy * 997) * 2654435761 % 65536 / 65536.0
    out[kind > 0.80] = np.where(season[kind > 0.80] < 0.6, 9, 1)
    out[kind > 0.91] = 10
    out[kind > 0.93] = 11
    out[kind > 0.97] = 12
    return out


def grass_greenness(day: dt.date) -> float:
    """0 (dry) to 1 (lush): grass of verges over the year."""
    doy = day.timetuple().tm_yday
    return float(np.interp(doy, [1, 60, 110, 170, 240, 285, 320, 366], [0.1, 0.15, 0.75, 0.85, 0.9, 0.6, 0.25, 0.1]))
