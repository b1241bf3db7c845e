"""When two names of an image mean the same one."""


def same_image(one: str, other: str) -> bool:
    """Whether two references name one image.

    Machines name the image with its digest where releases may name it without. Where both have
    a digest, that alone decides.
    """
    name, _, digest = one.partition("@")
    other_name, _, other_digest = other.partition("@")
    if digest and other_digest:
        return digest == other_digest
    return name == other_name
