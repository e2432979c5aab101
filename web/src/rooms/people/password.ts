/** What the hub asks of a password (people/rules.py), said while it is typed. The hub's word is the last. */

export type Strength = "empty" | "short" | "name" | "simple" | "fair" | "good" | "strong";

const plain = (text: string) => text.trim().toLowerCase();

/** How many letters it is as good as: one that repeats the one before it, or follows it in the alphabet, adds nothing. */
function worth(password: string): number {
  const letters = [...password];
  return letters.filter((letter, at) => {
    const step = at === 0 ? NaN : letter.codePointAt(0)! - letters[at - 1]!.codePointAt(0)!;
    return at === 0 || ![0, 1, -1].includes(step);
  }).length;
}

/** `least`: how many characters the hub wants, as its session says. */
export function strengthOf(password: string, signIn: string, least: number): Strength {
  if (!password) return "empty";
  if ([...password].length < least) return "short";
  if (plain(password) === plain(signIn)) return "name";
  if (new Set(password).size < 3) return "simple";
  const n = worth(password);
  return n >= 16 ? "strong" : n >= 12 ? "good" : "fair";
}

/** Whether the hub would take it. */
export const fits = (strength: Strength): boolean => strength === "fair" || strength === "good" || strength === "strong";
