// Ids of records that each process of a site has of its own, where one process alone would have a single one.

/** `process` is undefined where one process is the whole site. */
export function idOfProcess(name: string, process: string | undefined): string {
  return process === undefined ? name : `${name}:${process}`;
}

/** Whether an id is that of `name`, of whichever process. */
export function isOfAnyProcess(id: string, name: string): boolean {
  return id === name || id.startsWith(`${name}:`);
}
