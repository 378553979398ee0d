"""From settings to the channels that tell what happened, how often they do, and what they never tell."""

from image_assets.core.errors import MissingSettingError
from image_assets.ports.notifications import Channel, Pace, Subscription
from image_assets.services.answers import Redactor
from image_assets.services.notify.line import parts_of
from image_assets.services.notify.slack import SlackChannel
from image_assets.services.notify.webhook import WebhookChannel
from image_assets.settings import Settings

_PURPOSE = "telling a webhook"


def channels(settings: Settings) -> tuple[Subscription, ...]:
    """The channels that are set up, and what each is told.

    Raises:
        MissingSettingError: one is set up by half.
        PermanentError: an address or a secret is none.
    """
    found = []
    if settings.slack_webhook_url is not None:
        found.append(Subscription(slack(settings), settings.slack_kinds))
    if settings.notify_webhook_url is not None or settings.notify_webhook_secret is not None:
        found.append(Subscription(webhook(settings), settings.notify_webhook_kinds))
    return tuple(found)


def slack(settings: Settings) -> Channel:
    """The channel of Slack."""
    url = settings.require("slack_webhook_url", "telling Slack").strip()
    return SlackChannel(url, timeout=settings.notify_timeout)


def webhook(settings: Settings) -> Channel:
    """Somebody's own program."""
    for name in ("notify_webhook_url", "notify_webhook_secret"):
        if getattr(settings, name) is None:
            raise MissingSettingError(name.upper(), _PURPOSE)
    return WebhookChannel(
        settings.require("notify_webhook_url", _PURPOSE).strip(),
        settings.require("notify_webhook_secret", _PURPOSE).strip(),
        timeout=settings.notify_timeout,
    )


def pace(settings: Settings) -> Pace:
    """How often a channel is bothered."""
    return Pace(settings.notify_digest, settings.notify_per_hour, settings.notify_quiet)


def redactor(settings: Settings) -> Redactor:
    """Takes every secret of the settings out of a text, and what secret addresses consist of."""
    addresses = [settings.slack_webhook_url, settings.notify_webhook_url]
    parts = [part for url in addresses if url for part in parts_of(url.get_secret_value())]
    return Redactor([*settings.secrets, *parts])
