"""What fetching costs: the prices of whoever holds the images, as the configuration states them; none are built in."""

from __future__ import annotations

from pydantic import Field

from ..model.options import Options


class CostOptions(Options):
    """Prices of the image store, for `luyu plan`; without them a plan counts bytes and requests only."""

    price_per_gb: float = Field(0.0, ge=0, le=1e6, description="Price of a GB (1e9 bytes) sent out by the store.")
    price_per_1000_requests: float = Field(0.0, ge=0, le=1e6, description="Price of a thousand requests.")
    currency: str = Field("CNY", min_length=1, max_length=8, description="Currency of the prices, for display.")

    @property
    def known(self) -> bool:
        """Whether any price is stated."""
        return bool(self.price_per_gb or self.price_per_1000_requests)

    def of(self, requests: int, bytes_fetched: int) -> float:
        """Cost of so many requests and bytes, in the currency.

        >>> round(CostOptions(price_per_gb=0.5, price_per_1000_requests=0.01).of(2000, 3_000_000_000), 4)
        1.52
        """
        return requests / 1000 * self.price_per_1000_requests + bytes_fetched / 1e9 * self.price_per_gb
