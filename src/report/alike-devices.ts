/** Neighbours in a list with the same key, together. */
export function alike<T>(list: readonly T[], keyOf: (entry: T) => string): readonly (readonly T[])[] {
  const groups: T[][] = [];
  for (const entry of list) {
    const last = groups.at(-1);
    const [first] = last ?? [];
    if (last !== undefined && first !== undefined && keyOf(first) === keyOf(entry)) last.push(entry);
    else groups.push([entry]);
  }
  return groups;
}

/** `GPU0 and GPU1`, `GPU0 to GPU7`. */
export function namesOf(devices: readonly { readonly name: string }[]): string {
  const [first, last] = [devices[0]?.name ?? "", devices.at(-1)?.name ?? ""];
  if (devices.length === 1) return first;
  return devices.length === 2 ? `${first} and ${last}` : `${first} to ${last}`;
}
