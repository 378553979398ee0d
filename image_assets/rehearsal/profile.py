"""What the stand-ins are like: which pictures exist, how strict the plans are, which keys open."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything that decides how a rehearsal behaves. The defaults are the demo's.

    `now` is the time it starts at (aware UTC), the machine's when None; `latency` is seconds added
    to every answer; shares are of a day's pictures, 0..1; a limit of None is no limit.
    """

    seed: int = 7
    now: dt.datetime | None = None
    latency: float = 0.0

    # The camera site
    collections: tuple[str, ...] = ("apm/in_gate", "apm/out_gate")  # terminal/stream
    quiet: tuple[str, ...] = ()  # those of them that are known and always empty
    first_day: dt.date = dt.date(2025, 1, 1)
    cadence: dt.timedelta = dt.timedelta(hours=1)
    miniatures: bool = False  # frames of 160x90, drawn in a moment: for a year of them
    stale_share: float = 0.05  # the previous picture again, its clock standing still
    gap_share: float = 0.05  # taken by nobody, listed nowhere
    lost_share: float = 0.0  # listed, and not there
    thumbnail_only_share: float = 0.0  # listed, and only its thumbnail is there
    page_zone: str = "UTC"  # whose days the date picker of its page means
    missing_status: int = 404  # NoSuchKey; or 403 AccessDenied, as S3 says without ListBucket

    # The second site: its own cameras, addresses, markup and time zone
    harbor_cameras: tuple[str, ...] = ("pier/north", "pier/south")
    harbor_zone: str = "America/New_York"

    # Pinata. The powerless key is a valid one that may do nothing.
    pinata_jwt: str = field(default="rehearsal.pinata.key", repr=False)
    pinata_powerless_jwt: str = field(default="rehearsal.pinata.powerless", repr=False)
    pinata_requests_per_minute: int = 60_000
    pinata_data_requests_per_minute: int = 30
    pinata_retry_after: bool = False  # whether a 429 says how long: undocumented, so both exist
    pinata_gateway_delay: float = 0.0  # seconds until the gateway finds new content; 504 until then

    # Kubo: one node, and whom it lets in (as its API.Authorizations spells them). The reader may look.
    kubo_authorization: str = field(default="bearer:rehearsal-kubo-token", repr=False)
    kubo_reader_authorization: str = field(default="basic:reader:rehearsal-kubo-look", repr=False)
    kubo_disk_bytes: int | None = None

    # Cloudflare: one account with one Workers KV namespace
    cloudflare_api_token: str = field(default="rehearsal-cloudflare-key", repr=False)
    cloudflare_account_id: str = "0123456789abcdef0123456789abcdef"
    kv_namespace_id: str = "fedcba9876543210fedcba9876543210"
    kv_requests_per_five_minutes: int | None = None
    kv_key_interval: float = 1.0  # seconds between two writes of one key
    kv_staleness: float = 0.0  # seconds by which every read is late
    kv_daily_reads: int | None = None
    kv_daily_writes: int | None = None
    kv_daily_deletes: int | None = None
    kv_daily_lists: int | None = None

    # Sites that run Chevereto: freeimage.host, and a stock one. The denied keys are known, and refused.
    freeimage_api_key: str = field(default="rehearsal-freeimage-key", repr=False)
    freeimage_denied_key: str = field(default="rehearsal-freeimage-denied", repr=False)
    freeimage_uploads_per_minute: int | None = None
    chevereto_api_key: str = field(default="rehearsal-chevereto-key", repr=False)
    chevereto_denied_key: str = field(default="rehearsal-chevereto-denied", repr=False)
    chevereto_uploads_per_minute: int | None = None

    # imgbb: one account
    imgbb_api_key: str = field(default="rehearsal-imgbb-key", repr=False)
    imgbb_denied_key: str = field(default="rehearsal-imgbb-denied", repr=False)
    imgbb_requests_per_minute: int | None = None

    # Imgur: one client, and one that is blocked
    imgur_client_id: str = field(default="rehearsal-imgur-client", repr=False)
    imgur_blocked_client_id: str = field(default="rehearsal-imgur-blocked", repr=False)
    imgur_daily_uploads: int | None = None
    imgur_hourly_uploads: int | None = None

    # Cloudinary: one cloud with one key. What the powerless secret signs is known, and refused.
    cloudinary_cloud_name: str = "rehearsal"
    cloudinary_api_key: str = "874837483274837"
    cloudinary_api_secret: str = field(default="rehearsal-cloudinary-secret", repr=False)
    cloudinary_powerless_secret: str = field(default="rehearsal-cloudinary-powerless", repr=False)
    cloudinary_max_bytes: int = 10_485_760

    # Slack: one incoming webhook, by what its address ends with; and a receiver of webhooks
    slack_webhook: str = field(default="T0REHEARSAL/B0REHEARSAL/rehearsalSlackHook", repr=False)
    slack_posts_per_minute: int | None = None
    slack_archived: bool = False
    webhook_path: str = field(default="rehearsal-webhook-path", repr=False)
    webhook_secret: str = field(default="whsec_cmVoZWFyc2FsIHdlYmhvb2sgc2VjcmV0", repr=False)
    webhook_gone: bool = False

    # Gemini: one project with one key
    gemini_api_key: str = field(default="rehearsal-gemini-key", repr=False)
    gemini_requests_per_minute: int | None = None
    gemini_daily_requests: int | None = None

    # Etsy: one app, and shops by number with the number of who owns them
    etsy_keystring: str = field(default="rehearsaletsykeystring00", repr=False)
    etsy_shared_secret: str = field(default="rehearsal-etsy-secret", repr=False)
    etsy_shops: Mapping[int, int] = field(
        default_factory=lambda: {11_111_111: 501, 22_222_222: 502},
        hash=False,  # frames of a profile are remembered by it
    )
    etsy_redirects: tuple[str, ...] = ("http://127.0.0.1:3003/oauth/redirect",)
    etsy_access_seconds: int = 3600
    etsy_requests_per_second: int | None = None
    etsy_daily_requests: int | None = None
    etsy_needs_readiness: bool = True
    etsy_when_made: tuple[str, ...] = (
        "made_to_order",
        "2020_2026",
        "2010_2019",
        "2007_2009",
        "before_2007",
    )

    def __post_init__(self) -> None:
        if self.now is not None and self.now.utcoffset() is None:
            raise ValueError("a rehearsal's now is aware UTC")
        if self.missing_status not in (403, 404):
            raise ValueError(f"a missing picture is 403 or 404, not {self.missing_status}")
        if not dt.timedelta(seconds=10) <= self.cadence <= dt.timedelta(days=1):
            raise ValueError(f"a cadence lies between 10 seconds and a day, not {self.cadence}")
        if any(name.count("/") != 1 for name in (*self.collections, *self.harbor_cameras)):
            raise ValueError("a collection is terminal/stream")
        if not set(self.quiet) <= set(self.collections):
            raise ValueError("quiet collections are among the collections")

    @classmethod
    def demo(cls) -> Self:
        """Generous plans: nothing in the demo waits for a limit."""
        return cls()

    @classmethod
    def free_plan(cls) -> Self:
        """The limits of the free plans, and reads of KV a minute late."""
        return cls(
            pinata_requests_per_minute=60,
            kv_requests_per_five_minutes=1200,
            kv_staleness=60.0,
            kv_daily_reads=100_000,
            kv_daily_writes=1000,
            kv_daily_deletes=1000,
            kv_daily_lists=1000,
            gemini_requests_per_minute=10,
            gemini_daily_requests=100,
            etsy_requests_per_second=5,
            etsy_daily_requests=5000,
        )
