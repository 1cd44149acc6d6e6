"""The learned macro placer: policy, training, placing, command line. Torch is imported only where it is needed."""

__version__ = "0.1.0"

from placer.clock import BEGAN as BEGAN  # first: it looks at the clock
from placer.pipeline import PlaceConfig, place
from placer.result import PlaceResult

__all__ = ["PlaceConfig", "PlaceResult", "__version__", "place"]
