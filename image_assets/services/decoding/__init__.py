"""Pictures are decoded in processes that can be killed: a picture can fail, never the caller."""

from image_assets.services.decoding.pool import DecodingPool

__all__ = ["DecodingPool"]
