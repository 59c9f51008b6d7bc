"""Prints, as JSON, what the configuration class of each given model_type takes a key for that a config.json leaves out.

    python conformance/transformers/defaults.py model_type ...

Of a composite it is the class of its language model, or of its decoder.

Types without a class in the library, whose code stands beside their weights, are left out. Only the keys named on
standard input, one a line, are looked at: those the rules of weighin read. `aliases` are the names under which the class
writes them (`attribute_map`).
"""

import json
import sys

from transformers import AutoConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING


def plain(value):
    return value is None or isinstance(value, (bool, int, float))


def default_of(name, fields, parts):
    """`a.b` is the key `b` of the part `a`."""
    part, _, key = name.partition(".")
    return parts[part].default_config_fields().get(key) if key and part in parts else fields.get(name)


def class_facts(model_type, keys):
    cls = CONFIG_MAPPING[model_type]
    parts = cls.sub_configs if isinstance(cls.sub_configs, dict) else {}
    cls = next((parts[part] for part in ("text_config", "decoder", "decoder_config") if part in parts), cls)
    if cls is AutoConfig:
        cls = CONFIG_MAPPING[CONFIG_MAPPING[model_type].sub_configs_defaults["text_config"].model_type]
    fields = cls.default_config_fields()
    aliases = {name: stored for name, stored in cls.attribute_map.items() if name in keys}
    defaults = {}
    for key in keys:
        # Some classes declare the very name that they write under another one.
        for name in (aliases.get(key, key), key):
            value = default_of(name, fields, parts)
            if value is not None and plain(value):
                defaults.setdefault(key, value)
    return {"defaults": defaults, "aliases": aliases}


keys = sys.stdin.read().split()
with_class = [model_type for model_type in sys.argv[1:] if model_type in CONFIG_MAPPING]
print(json.dumps({model_type: class_facts(model_type, keys) for model_type in with_class}))
