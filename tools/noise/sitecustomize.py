"""Python runs this file at its start when its folder is on PYTHONPATH: the noise enters before anything is imported."""

import noise_hook

noise_hook.install()
