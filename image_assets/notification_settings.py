"""The settings of notifications: who is told, of what, how often. A part of `settings.Settings`."""

import datetime as dt

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from image_assets.core.notices import TROUBLES, NoticeKind

_ALL = tuple(kind for kind in NoticeKind if kind is not NoticeKind.TEST)


class NotificationSettings(BaseSettings):
    """Who is told what happened (docs/notifications.md)."""

    slack_webhook_url: SecretStr | None = Field(
        None, description="Slack: address of an incoming webhook; nobody is told there when unset."
    )
    slack_kinds: tuple[NoticeKind, ...] = Field(
        TROUBLES, description="What Slack is told (JSON list); all but `upload.succeeded`."
    )
    notify_webhook_url: SecretStr | None = Field(
        None, description="Webhook: address that takes signed posts; unset, none are sent."
    )
    notify_webhook_secret: SecretStr | None = Field(
        None, description="Webhook: what posts are signed with, `whsec_…` (Standard Webhooks)."
    )
    notify_webhook_kinds: tuple[NoticeKind, ...] = Field(
        _ALL, description="What the webhook is told (JSON list); everything."
    )
    notify_digest_minutes: float = Field(
        5.0, ge=0, description="What is new is told together, no sooner than this after the last."
    )
    notify_per_hour: int = Field(6, ge=1, description="Most messages to one channel in an hour.")
    notify_quiet_minutes: float = Field(
        60.0, ge=0, description="The same news is told again, with its count, after so long."
    )
    notify_timeout: float = Field(15.0, gt=0, le=25, description="Seconds one message may take.")

    @property
    def notify_digest(self) -> dt.timedelta:
        """The least time between two messages to a channel."""
        return dt.timedelta(minutes=self.notify_digest_minutes)

    @property
    def notify_quiet(self) -> dt.timedelta:
        """For how long the same news is not told again."""
        return dt.timedelta(minutes=self.notify_quiet_minutes)
