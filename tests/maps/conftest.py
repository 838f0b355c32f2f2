import pytest
from fake_county import make_county

from pipeline.reports.pages import CountyPage


@pytest.fixture(scope="session")
def county() -> CountyPage:
    return make_county()
