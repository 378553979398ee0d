"""The NAS of the shops: one share, reached as a mounted path, by SFTP or by SMB."""

from image_assets.services.nas.share import Share

__all__ = ["Share"]
