import numpy as np
import pytest
from rasterio.rpc import RPC
from rasterio.transform import RPCTransformer

from pipeline.errors import CatalogError
from pipeline.geo.rpc import SIDECARS, Rpc
from tests.rpc_camera import camera, rpb, rpc_txt

rng = np.random.default_rng(5)
ROWS, COLS = rng.uniform(0, 400, 300), rng.uniform(0, 400, 300)


def test_ground_is_the_inverse_of_image():
    rpc, height_m = camera(), rng.uniform(0, 150, 300)
    row, col = rpc.image(*rpc.ground(ROWS, COLS, height_m), height_m)
    assert np.abs(row - ROWS).max() < 1e-6
    assert np.abs(col - COLS).max() < 1e-6


def test_same_places_as_gdal():
    rpc = camera()
    gdal = RPCTransformer(RPC.from_gdal(dict(rpc.as_gdal())), rpc_height=80.0)
    lon, lat = gdal.xy(ROWS, COLS, offset="center")
    ours = rpc.ground(ROWS, COLS, 80.0)
    assert np.abs(np.array(lon) - ours[0]).max() < 2e-6  # GDAL stops at a tenth of a pixel
    assert np.abs(np.array(lat) - ours[1]).max() < 2e-6
    rows, cols = gdal.rowcol(ours[0], ours[1], op=lambda v: v)
    assert np.abs(np.array(rows) - 0.5 - ROWS).max() < 1e-6
    assert np.abs(np.array(cols) - 0.5 - COLS).max() < 1e-6


@pytest.mark.parametrize("text", [rpb(camera()), rpb(camera(), semicolons=False), rpc_txt(camera())])
def test_texts_as_delivered(text):
    read, made = Rpc.parse(text), camera()
    assert np.abs(np.subtract(read.image(117.219, 34.326, 90.0), made.image(117.219, 34.326, 90.0))).max() < 1e-6
    assert read.line_num == pytest.approx(made.line_num)


@pytest.mark.parametrize("suffix", SIDECARS)
def test_the_file_beside_an_image(tmp_path, suffix):
    (tmp_path / f"a-MSS1{suffix}").write_text(rpb(camera()) if suffix.lower() == ".rpb" else rpc_txt(camera()))
    assert Rpc.beside(tmp_path / "a-MSS1.tiff") is not None
    assert Rpc.beside(tmp_path / "b.tiff") is None


def test_gdals_names_round_trip():
    assert Rpc.from_gdal(camera().as_gdal()) == camera()


def test_size_and_lean():
    rpc = camera(pixel_m=2.0, lean=0.25)
    assert rpc.pixel_m == pytest.approx(2.0, rel=0.02)
    assert rpc.lean_m_per_m == pytest.approx(0.25, rel=0.05)  # columns are lean / 2 m


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lineOffset", "lineOffs", "line_off missing"),
        ("lineDenCoef", "lineDen", "line_den missing"),
        ("\tlatOffset = 34.3262", "\tlatOffset = 134.3262", "is no place in degrees"),
        ("\theightScale = 100.0", "\theightScale = 0.0", "a scale of zero"),
        ("+0.000000000000000E+00,\n\t\t\t-1.0", "-1.0", "line_num does not have 20 coefficients"),
    ],
)
def test_broken_polynomials_are_refused(old, new, said):
    text = rpb(camera())
    if old.startswith("+0.0"):
        text = text.replace("lineNumCoef = (\n\t\t\t+0.000000000000000E+00,\n", "lineNumCoef = (\n", 1)
    else:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(CatalogError, match=said):
        Rpc.parse(text, "a.rpb")
