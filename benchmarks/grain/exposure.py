"""How a date was taken: the same ground re-shot under another light by another camera, and pixels made coarser."""

from __future__ import annotations

import cv2
import numpy as np


def reshot(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """The picture (rows, cols, 3) 0..1 as another pass would have taken it: gain, tone curve and haze per band, blur, JPEG."""
    tone = rng.normal(1, 0.10) * np.clip(rng.normal(1, 0.04, 3), 0.85, 1.15)
    gamma = np.clip(rng.normal(1, 0.08) + rng.normal(0, 0.02, 3), 0.75, 1.3)
    out = np.clip(image, 0, 1) ** gamma * tone + rng.normal(0, 0.012) + rng.normal(0, 0.006, 3)
    sigma = rng.uniform(0.0, 0.8)
    if sigma > 0.2:
        out = cv2.GaussianBlur(out.astype(np.float32), (0, 0), sigma)
    return compressed(rng, out)


def compressed(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Through JPEG of quality 80 to 96."""
    coded = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(80, 97))]
    return cv2.imdecode(cv2.imencode(".jpg", coded, quality)[1], cv2.IMREAD_UNCHANGED).astype(np.float32) / 255


def shifted(image: np.ndarray, shift_px: tuple[float, float]) -> np.ndarray:
    """Displaced by (cols, rows), cubic, edges mirrored."""
    at = np.array([[1, 0, shift_px[0]], [0, 1, shift_px[1]]], np.float32)
    return cv2.warpAffine(image, at, image.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def sensed(rng: np.random.Generator, image: np.ndarray, times: int) -> np.ndarray:
    """Pixels ``times`` as large by averaging their area, with the noise of a sensor and 8 bits."""
    rows, cols = (n // times for n in image.shape[:2])
    coarse = cv2.resize(image[: rows * times, : cols * times], (cols, rows), interpolation=cv2.INTER_AREA)
    noisy = coarse + np.float32(rng.uniform(0.002, 0.008)) * rng.standard_normal(coarse.shape, np.float32)
    return (np.round(np.clip(noisy, 0.004, 1) * 255) / 255).astype(np.float32)
