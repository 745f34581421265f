/** Which of the paths that people give for a model are GGUF files; it opens none. */

/** Whether a model's path is a GGUF file's, by its ending. */
export function isGgufPath(path: string): boolean {
  return path.toLowerCase().endsWith(".gguf");
}
