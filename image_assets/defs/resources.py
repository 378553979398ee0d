"""The services as Dagster resources: assets receive the plain objects behind the ports.

A service that lacks a setting does not fail the run: other steps may well do without it. Whatever
uses it says which variable is missing. That is why credentials are read here, through `Settings`, and
not bound as `EnvVar` to a resource's fields: Dagster would end the whole run before its first step.

`compose` is imported where a service opens: whoever only loads the definitions (every code location,
every run) does not wait for databases, HTTP and everything else behind it.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import dagster as dg

from image_assets.core.errors import ImageAssetsError
from image_assets.ports import (
    Closing,
    ImageGenerator,
    ImageHost,
    ImageSource,
    LatestStore,
    Nas,
    ShopSite,
)
from image_assets.settings import Settings, load

if TYPE_CHECKING:
    from image_assets import compose

Service = TypeVar("Service")


class Unconfigured:
    """Stands where a service could not be built: any use of it raises the reason."""

    def __init__(self, reason: ImageAssetsError) -> None:
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        """The reason, whatever is asked for; Dagster's probing for marks of its own is no use."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise self._reason


def _built(build: Callable[[Settings, str], Service], settings: Settings, name: str) -> Service:
    """The service of that name, or what says why there is none."""
    try:
        return build(settings, name)
    except ImageAssetsError as error:
        return cast("Service", Unconfigured(error))


class CatalogResource(dg.ConfigurableResource["compose.Catalog"]):
    """The catalog: identity and state of every picture (`IMAGE_ASSETS_DATABASE_URL`)."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["compose.Catalog"]:
        """The catalog, brought up to date; its connections are closed after the run."""
        from image_assets import compose

        with compose.catalog(load()) as catalog:
            yield catalog


class StoreResource(dg.ConfigurableResource["compose.Store"]):
    """The store: bytes of pictures and exports (`IMAGE_ASSETS_STORE`, `IMAGE_ASSETS_DATA_DIR`)."""

    def create_resource(self, context: dg.InitResourceContext) -> "compose.Store":
        """The store."""
        from image_assets import compose

        return compose.store(load())


class DecoderResource(dg.ConfigurableResource["compose.DecodingPool"]):
    """Decoding, fingerprints and rendering in processes that can be killed."""

    @contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator["compose.DecodingPool"]:
        """The pool; its processes end with the run."""
        from image_assets import compose

        with compose.decoder(load()) as pool:
            yield pool


class SourceResource(dg.ConfigurableResource[ImageSource]):
    """Where a source's pictures are listed and fetched, as the sources file describes it."""

    source: str

    def create_resource(self, context: dg.InitResourceContext) -> ImageSource:
        """The source."""
        from image_assets import compose

        return _built(compose.source, load(), self.source)


class HostResource(dg.ConfigurableResource[ImageHost]):
    """The host behind a destination; its credentials come from the environment (.env.example)."""

    destination: str

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[ImageHost]:
        """The host; its connections and processes end with the run."""
        with _host(load(), self.destination) as host:
            yield host


@contextmanager
def _host(settings: Settings, destination: str) -> Iterator[ImageHost]:
    """The host while the block runs, or what says why there is none."""
    from image_assets import compose

    host = _built(compose.host, settings, destination)
    try:
        yield host
    finally:
        if not isinstance(host, Unconfigured) and isinstance(host, Closing):
            host.close()


class LatestStoreResource(dg.ConfigurableResource[LatestStore]):
    """The store of latest keys; its credentials come from the environment (.env.example)."""

    store: str

    def create_resource(self, context: dg.InitResourceContext) -> LatestStore:
        """The store."""
        from image_assets import compose

        return _built(compose.latest_store, load(), self.store)


class NasResource(dg.ConfigurableResource[Nas]):
    """The shops' NAS; where it is and who we are comes from the environment (.env.example)."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Nas]:
        """The share; its connections end with the run."""
        with _nas(load()) as nas:
            yield nas


@contextmanager
def _nas(settings: Settings) -> Iterator[Nas]:
    """The NAS while the block runs, or what says why there is none."""
    from image_assets import compose

    share = _built(lambda known, _: compose.nas(known), settings, "nas")
    try:
        yield share
    finally:
        if not isinstance(share, Unconfigured):
            share.close()


class GeneratorResource(dg.ConfigurableResource[ImageGenerator]):
    """Who draws pictures on request; its key comes from the environment (.env.example)."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[ImageGenerator]:
        """The generator; its connections end with the run."""
        with _generator(load()) as generator:
            yield generator


@contextmanager
def _generator(settings: Settings) -> Iterator[ImageGenerator]:
    """The generator while the block runs, or what says why there is none."""
    from image_assets import compose

    generator = _built(lambda known, _: compose.generator(known), settings, GENERATOR)
    try:
        yield generator
    finally:
        if not isinstance(generator, Unconfigured):
            generator.close()


class EtsyResource(dg.ConfigurableResource[ShopSite]):
    """Drafts at Etsy; the app's keys come from the environment, shops' tokens from the catalog."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[ShopSite]:
        """Etsy; its connections end with the run."""
        with _etsy(load()) as site:
            yield site


@contextmanager
def _etsy(settings: Settings) -> Iterator[ShopSite]:
    """Etsy while the block runs, or what says why there is none."""
    from image_assets import etsy_shops

    with ExitStack() as stack:
        yield _built(lambda known, _: stack.enter_context(etsy_shops.etsy(known)), settings, ETSY)


ETSY = "etsy"
"""The resource that makes drafts of listings."""

GENERATOR = "generator"
"""The resource that draws pictures on request."""


def source_key(source: str) -> str:
    """The resource that lists and fetches a source."""
    return f"{source}_source"


def host_key(destination: str) -> str:
    """The resource that publishes at a destination."""
    return f"{destination}_host"


def latest_key(store: str) -> str:
    """The resource that holds latest keys."""
    return f"{store}_latest"


def resources(settings: Settings) -> dict[str, Any]:
    """Every service that the sources can ask for, as resources that open when a run needs them."""
    opened: dict[str, Any] = {
        "catalog": CatalogResource(),
        "store": StoreResource(),
        "decoder": DecoderResource(),
    }
    for spec in settings.sources:
        if spec.generated:
            opened[GENERATOR] = GeneratorResource()
        else:
            opened[source_key(spec.name)] = SourceResource(source=spec.name)
        for destination in spec.destinations:
            opened[host_key(destination)] = HostResource(destination=destination)
        if spec.latest is not None:
            opened[latest_key(spec.latest.store)] = LatestStoreResource(store=spec.latest.store)
        if spec.nas:
            opened["nas"] = NasResource()
        if spec.etsy is not None:
            opened[ETSY] = EtsyResource()
    return opened


@contextmanager
def opened(settings: Settings) -> Iterator[dict[str, Any]]:
    """The same services, opened now with these settings, for runs inside this process.

    The demo and the tests use it: nothing of the environment reaches them.
    """
    from image_assets import compose

    with (
        compose.decoder(settings) as decoder,
        compose.catalog(settings) as catalog,
        ExitStack() as stack,
    ):
        services: dict[str, Any] = {
            "catalog": catalog,
            "store": compose.store(settings),
            "decoder": decoder,
        }
        for spec in settings.sources:
            if not spec.generated:
                services[source_key(spec.name)] = _built(compose.source, settings, spec.name)
            for destination in spec.destinations:
                host = stack.enter_context(_host(settings, destination))
                services[host_key(destination)] = host
            if spec.latest is not None:
                store = spec.latest.store
                services[latest_key(store)] = _built(compose.latest_store, settings, store)
        if any(spec.generated for spec in settings.sources):
            services[GENERATOR] = stack.enter_context(_generator(settings))
        if any(spec.nas for spec in settings.sources):
            services["nas"] = stack.enter_context(_nas(settings))
        if any(spec.etsy is not None for spec in settings.sources):
            services[ETSY] = stack.enter_context(_etsy(settings))
        yield services
