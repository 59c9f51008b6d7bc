/** True when dotted version `version` is at least `minimum`. */
export function atLeast(version: string, minimum: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, wanted] of minimum.split(".").map(Number).entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
