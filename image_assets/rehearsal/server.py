"""The rehearsal: every stand-in behind one loopback address, in this process.

with Rehearsal(profile=Profile.demo()) as rehearsal:
    environment = rehearsal.environment()
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from image_assets.rehearsal import (
    camera_pages,
    camera_site,
    chevereto,
    cloudflare_kv,
    cloudinary,
    etsy,
    etsy_oauth,
    gemini,
    harbor_site,
    imgbb,
    imgur,
    kubo,
    pinata,
    pinata_api,
    slack,
    webhooks,
)
from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.control import Control
from image_assets.rehearsal.exchange import Service
from image_assets.rehearsal.faults import Fault, Faults, Rule
from image_assets.rehearsal.journal import Journal
from image_assets.rehearsal.kubo_repo import KuboRepo
from image_assets.rehearsal.picture_hosts import picture_hosts
from image_assets.rehearsal.profile import Profile
from image_assets.rehearsal.shelf import Shelf
from image_assets.rehearsal.switchboard import Switchboard
from image_assets.rehearsal.wire import LoopbackServer

__all__ = ["Profile", "Rehearsal", "environment"]


class Rehearsal:
    """All stand-ins, listening from construction to `close`; a context manager.

    Args:
        profile: how they behave.
        host: a loopback address.
        port: 0 takes a free one.
        state: a folder in which uploads and keys outlive the rehearsal; nothing does when None.

    Raises:
        ValueError: the host is not loopback.
        OSError: the port is taken.
    """

    def __init__(
        self,
        profile: Profile | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        state: Path | None = None,
    ) -> None:
        if state is not None:
            state.mkdir(parents=True, exist_ok=True)
        self.profile = profile or Profile()
        self.clock = Clock(self.profile.now)
        self._faults, self._journal = Faults(), Journal()
        self._server = LoopbackServer(host, port, lambda request: self._switchboard.answer(request))
        self.address = self._server.address
        self._account = pinata.Account(self.profile, self.clock, state)
        self.pinata_uploads = pinata.Uploads(self._account, self.address)
        self.kubo = KuboRepo(state, most_bytes=self.profile.kubo_disk_bytes)
        self._kv = cloudflare_kv.CloudflareKV(self.profile, self.clock, state)
        self.etsy_accounts = etsy_oauth.Accounts(self.profile, self.clock)
        self.etsy = etsy.Etsy(
            self.profile, self.clock, self.etsy_accounts, self.address + etsy.BASE
        )
        self.slack = slack.Slack(self.profile, self.clock)
        self.webhook = webhooks.Receiver(self.profile, self.clock)
        self._picture_hosts = picture_hosts(self.profile, self.address, self.clock, state)
        self._services = self._stand_ins()
        self._switchboard = Switchboard(
            self._services,
            Control(self._faults, self._journal, self.clock, self.reset, self.held),
            faults=self._faults,
            journal=self._journal,
            latency=self.profile.latency,
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="rehearsal", daemon=True
        )
        self._thread.start()

    def _stand_ins(self) -> dict[str, Service]:
        site = camera_site.CameraSite(self.profile, self.clock)
        return {
            camera_site.INDEX: camera_site.Index(site, self.address + camera_site.CDN),
            camera_site.CDN: camera_site.Cdn(site),
            camera_site.APP: camera_pages.App(
                site,
                self.profile.page_zone,
                self.address + camera_site.INDEX,
                self.address + camera_site.CDN,
            ),
            harbor_site.BASE: harbor_site.HarborSite(self.profile, self.clock),
            pinata.UPLOADS: self.pinata_uploads,
            pinata_api.API: pinata_api.Api(self._account),
            pinata.GATEWAY: pinata.Gateway(self._account),
            kubo.BASE: kubo.Kubo(self.profile, self.kubo),
            kubo.GATEWAY: kubo.Gateway(self.kubo),
            cloudflare_kv.BASE: self._kv,
            slack.BASE: self.slack,
            webhooks.BASE: self.webhook,
            gemini.BASE: gemini.Gemini(self.profile, self.clock),
            etsy.BASE: self.etsy,
            etsy_oauth.BASE: self.etsy_accounts,
            **self._picture_hosts,
        }

    @property
    def shelves(self) -> dict[str, Shelf]:
        """What each host of pictures holds, by its name: the side that no client sees."""
        return {host.shelf.name: host.shelf for host in self._picture_hosts.values()}

    def held(self) -> dict[str, int]:
        """How many pictures lie on each shelf, as `GET /_control/held` shows it."""
        return {name: len(shelf) for name, shelf in self.shelves.items()}

    def environment(self) -> dict[str, str]:
        """The settings that point a client here, with the keys that open."""
        return environment(self.address, self.profile)

    def inject(
        self,
        route: str,
        fault: Mapping[str, Any],
        *,
        times: int | None = None,
        probability: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Let requests whose `METHOD /path` matches `route` go wrong; as `POST /_control/faults`.

        Raises:
            ValueError: `fault` spells none (see `faults`).
        """
        rule = Rule(route, Fault.of(fault), times=times, probability=probability, seed=seed)
        self._faults.add(rule)

    def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        self._faults.clear()

    def requests(self) -> dict[str, Any]:
        """What was asked so far, as `GET /_control/requests` shows it."""
        return self._journal.report()

    def reset(self) -> None:
        """As at the start: what was stored, faults, journal, clock."""
        self._faults.clear()
        self.clock.reset()
        for service in self._services.values():
            service.reset()
        self._journal.reset()

    def close(self) -> None:
        """Stop listening and hang up on everybody."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.hang_up()
        self._account.files.close()
        self.kubo.close()
        self._kv.close()
        for shelf in self.shelves.values():
            shelf.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def environment(address: str, profile: Profile) -> dict[str, str]:
    """The settings that point a client at a rehearsal of that profile at that address."""
    return {
        "DRAYDOG_INDEX_URL": address + camera_site.INDEX,
        "DRAYDOG_CDN_URL": address + camera_site.CDN,
        "DRAYDOG_APP_URL": address + camera_site.APP,
        "DOWNLOAD_DATE_PAUSE": "0",  # a rehearsal needs no rest
        "PINATA_UPLOADS_URL": address + pinata.UPLOADS,
        "PINATA_API_URL": address + pinata_api.API,
        "PINATA_GATEWAY_URL": address + pinata.GATEWAY,
        "PINATA_JWT": profile.pinata_jwt,
        "PINATA_REQUESTS_PER_MINUTE": str(profile.pinata_requests_per_minute),
        "KUBO_API_URL": address + kubo.BASE,
        "KUBO_GATEWAY_URL": address + kubo.GATEWAY,
        "KUBO_AUTHORIZATION": profile.kubo_authorization,
        "FREEIMAGE_API_URL": address + chevereto.FREEIMAGE,
        "FREEIMAGE_API_KEY": profile.freeimage_api_key,
        "CHEVERETO_API_URL": address + chevereto.STOCK,
        "CHEVERETO_API_KEY": profile.chevereto_api_key,
        "IMGBB_API_URL": address + imgbb.BASE,
        "IMGBB_API_KEY": profile.imgbb_api_key,
        "IMGUR_API_URL": address + imgur.BASE,
        "IMGUR_IMAGES_URL": address + imgur.IMAGES,
        "IMGUR_CLIENT_ID": profile.imgur_client_id,
        "CLOUDINARY_API_URL": address + cloudinary.BASE,
        "CLOUDINARY_DELIVERY_URL": address + cloudinary.DELIVERY,
        "CLOUDINARY_CLOUD_NAME": profile.cloudinary_cloud_name,
        "CLOUDINARY_API_KEY": profile.cloudinary_api_key,
        "CLOUDINARY_API_SECRET": profile.cloudinary_api_secret,
        "UPLOAD_PAUSE": "0",
        "CLOUDFLARE_API_URL": address + cloudflare_kv.BASE,
        "CLOUDFLARE_API_TOKEN": profile.cloudflare_api_token,
        "CLOUDFLARE_ACCOUNT_ID": profile.cloudflare_account_id,
        "KV_NAMESPACE_ID": profile.kv_namespace_id,
        "SLACK_WEBHOOK_URL": f"{address}{slack.BASE}/services/{profile.slack_webhook}",
        "NOTIFY_WEBHOOK_URL": f"{address}{webhooks.BASE}/{profile.webhook_path}",
        "NOTIFY_WEBHOOK_SECRET": profile.webhook_secret,
        "ETSY_API_URL": address + etsy.BASE,
        "ETSY_OAUTH_URL": f"{address}{etsy_oauth.BASE}/connect",
        "ETSY_TOKEN_URL": f"{address}{etsy_oauth.BASE}/token",
        "ETSY_KEYSTRING": profile.etsy_keystring,
        "ETSY_SHARED_SECRET": profile.etsy_shared_secret,
        "GEMINI_API_URL": address + gemini.BASE,
        "GEMINI_API_KEY": profile.gemini_api_key,
        "GEMINI_REQUESTS_PER_MINUTE": str(profile.gemini_requests_per_minute or 60_000),
    }
