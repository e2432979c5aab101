const LAST_WORD = /\s\S*\d\S*(?:\s\D{0,8})?$/;
const LAST_DIGITS = /\D?\d+\D{0,8}$/;
const LONGEST = 16;

/** The end of a name that tells it from its neighbours: " 12 gain" of "Mic/line input 12 gain", "_12" of "Lectern_12". */
export function tailOf(text: string): string {
  for (const form of [LAST_WORD, LAST_DIGITS]) {
    const found = form.exec(text);
    if (found && found.index > 0 && found[0].length <= LONGEST) return found[0];
  }
  return "";
}

/** A name in one line; when it is too long it is clipped in the middle, so that its number stays. */
export function Middle({ text, strong, id }: { text: string; strong?: boolean; id?: string }) {
  const tail = tailOf(text);
  return (
    <span className={strong ? "middle strong" : "middle"} title={text} data-testid={id}>
      <span>{text.slice(0, text.length - tail.length)}</span>
      {tail && <span className="tail">{tail}</span>}
    </span>
  );
}
