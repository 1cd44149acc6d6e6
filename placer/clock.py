"""When the program began: time budgets count from here, before anything heavy is imported."""

import time

BEGAN = time.monotonic()
