const NUMBERED = /^[a-z_]+\.\d+/;

/** "mic.101.level.gain" belongs to the end point "mic.101"; what has no number belongs to none. */
export function endPointId(key: string): string {
  return NUMBERED.exec(key)?.[0] ?? key.split(".").slice(0, -1).join(".") ?? key;
}

export const isNumbered = (key: string) => NUMBERED.test(key);

/** "mic.101" → "Mic 101"; the device's own labels stay on the values. */
export function endPointName(id: string): string {
  const text = id.replace(/[._]/g, " ").trim();
  return text ? text[0]!.toUpperCase() + text.slice(1) : id;
}

/** Where no label is at hand: "mic.101.level.gain" → "Mic 101 gain". */
export function keyName(key: string): string {
  const last = key.split(".").at(-1) ?? "";
  return `${endPointName(endPointId(key))} ${last.replace(/_/g, " ")}`.trim();
}
