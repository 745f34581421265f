/**
 * A file lock between processes (flock), as one attempt: the operating system drops it with the
 * process that held it, however that died. Waiting, and what a lock stands for, are the caller's.
 */

/**
 * Locks `path`, which is made where it is missing, and returns the open file: closing it lets go.
 * Undefined where another process, or another open file of this one, holds the lock.
 */
export async function tryFileLock(path: string): Promise<Deno.FsFile | undefined> {
  const file = await Deno.open(path, { create: true, read: true, write: true });
  try {
    if (await file.tryLock(true) && await isStill(path, file)) return file;
  } catch (error) {
    file.close();
    throw error;
  }
  file.close();
  return undefined;
}

/** Whether `path` still names the open file, and not a later one of the same name. */
async function isStill(path: string, file: Deno.FsFile): Promise<boolean> {
  try {
    const [named, open] = [await Deno.stat(path), await file.stat()];
    return named.ino === open.ino && named.dev === open.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
