"""Prints, as JSON, what the configuration class of each given model_type takes a key for that a config.json leaves out.

    python conformance/transformers/defaults.py model_type ...

Of a composite it is the class of its language model, or of its decoder.

Types without a class in the library, whose code stands beside their weights, are left out. Only the keys named on
standard input, one a line, are looked at: those the rules of weighin read. `aliases` are the names under which the class
writes them (`attribute_map`).
"""

import json
import sys

from transformers.models.auto.configuration_auto import CONFIG_MAPPING


def plain(value):
    return value is None or isinstance(value, (bool, int, float))


def class_facts(model_type, keys):
    cls = CONFIG_MAPPING[model_type]
    parts = cls.sub_configs if isinstance(cls.sub_configs, dict) else {}
    named = cls.sub_configs_defaults.get("text_config") if isinstance(getattr(cls, "sub_configs_defaults", None), dict) else None
    if named is not None and named.model_type in CONFIG_MAPPING:
        return CONFIG_MAPPING[named.model_type]
    cls = next((parts[part] for part in ("text_config", "decoder", "decoder_config") if part in parts), cls)
    fields = cls.default_config_fields()
    aliases = {name: stored for name, stored in cls.attribute_map.items() if name in keys}
    defaults = {}
    for key in keys:
        # Some classes declare the very name that they write under another one.
        for name in (aliases.get(key, key), key):
            if fields.get(name) is not None and plain(fields[name]):
                defaults.setdefault(key, fields[name])
    return {"defaults": defaults, "aliases": aliases}


keys = sys.stdin.read().split()
with_class = [model_type for model_type in sys.argv[1:] if model_type in CONFIG_MAPPING]
print(json.dumps({model_type: class_facts(model_type, keys) for model_type in with_class}))
