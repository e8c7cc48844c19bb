"""What is loaded for good is kept out of the garbage collector's way."""

import atexit
import gc


def settle() -> None:
    """Looks for garbage once more, and never again among all that is there now.

    Call it when all is loaded. No call goes on during a look through all that torch and
    transformers have made, and it comes in the middle of the work.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # or libraries take at exit what stays for a leak, and print it
