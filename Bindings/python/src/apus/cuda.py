"""What programs written for PyTorch ask before they use a CUDA device: there is none here."""


def is_available() -> bool:
    """Whether there is a CUDA device."""
    return False


def device_count() -> int:
    """How many CUDA devices there are."""
    return 0
