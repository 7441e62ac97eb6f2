const stream = /^(?=.{1,256}$)[\w.-]{1,64}(:[\w.-]{1,64}){0,7}$/;
const client = /^[\w.-]{1,128}$/;

/** Reports whether name is a stream name: 1 to 8 segments of `[A-Za-z0-9_.-]{1,64}` joined by colons. */
export function validStream(name: string): boolean {
  return stream.test(name);
}

/** Reports whether id is a client id: `[A-Za-z0-9_.-]{1,128}`. */
export function validClient(id: string): boolean {
  return client.test(id);
}

/** A position in a stream's log: which log, and how far. The rest of a cursor is the hub's own. */
export type Place = { epoch: string; offset: number };

/** Reads a cursor, `epoch.offset.check.mac`. */
export function parseCursor(cursor: string | undefined): Place | undefined {
  const m = /^([0-9a-f]{16})\.(0|[1-9]\d{0,15})\.[0-9a-f]{8}\.[0-9a-f]{16}$/.exec(cursor ?? "");
  const offset = Number(m?.[2]);
  return m && Number.isSafeInteger(offset) ? { epoch: m[1] as string, offset } : undefined;
}
