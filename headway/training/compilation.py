"""Compiled programs kept on disk, so that a second process starts at once."""

from typing import Any

import jax

from headway.data.bundled import cache_folder


def use_compilation_cache() -> None:
    """Keep every compiled program in the user's cache folder, unless the user has chosen where and what to keep.

    JAX by default keeps only programs that took a second to compile; those of small networks take less.
    """
    settings: Any = jax.config
    if settings.jax_compilation_cache_dir is None:
        settings.update("jax_compilation_cache_dir", str(cache_folder() / "compiled"))
        settings.update("jax_persistent_cache_min_compile_time_secs", 0)
        settings.update("jax_persistent_cache_min_entry_size_bytes", -1)
