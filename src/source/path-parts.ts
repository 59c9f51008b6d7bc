/** The folder of a path with forward slashes, with its slash; of the root nothing. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/** What stands after the folder. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
