"""Mockups: a design on every area of a template, as if it were there."""

from collections.abc import Sequence

from PIL import Image, ImageChops

from image_assets.core.colour import RGB, WHITE, flatten
from image_assets.core.compositing import mixed
from image_assets.core.errors import PermanentError
from image_assets.core.templates import Area, check_within
from image_assets.core.warping import warped


def mockup(
    design: Image.Image,
    template: Image.Image,
    areas: Sequence[Area],
    *,
    shade: Image.Image | None = None,
    ground: RGB = WHITE,
) -> Image.Image:
    """The template with the design on its areas, as RGB in the template's size.

    Args:
        design: upright sRGB, RGB or RGBA.
        template: the same; what is transparent of it is laid on the ground.
        areas: where the design comes to lie, the last one on top.
        shade: darkens the design where it lies; of the template's size.
        ground: under a transparent template.

    Raises:
        PermanentError: an area is not on the template, or the shade is of another size.
    """
    scene = flatten(template, ground).copy()
    if shade is not None and shade.size != scene.size:
        raise PermanentError(
            f"the shade is {shade.width}x{shade.height}, the template {scene.width}x{scene.height}: "
            "make them of one size"
        )
    for number, area in enumerate(areas, 1):
        try:
            check_within(area, scene.size)
        except ValueError as error:
            raise PermanentError(f"area {number}: {error}") from error
        _lay(design, scene, area, shade)
    return scene


def _lay(design: Image.Image, scene: Image.Image, area: Area, shade: Image.Image | None) -> None:
    seen, box = warped(design, area, scene.size)
    mask = seen.getchannel("A")
    if area.opacity < 1:
        mask = mask.point([round(value * area.opacity) for value in range(256)])
    above = seen.convert("RGB")
    if shade is not None:
        above = ImageChops.multiply(above, shade.crop(box).convert("L").convert("RGB"))
    scene.paste(mixed(scene.crop(box), above, area.blend), box, mask)
