import type { User } from "@/api/types";

export const shownName = (user: User): string => user.name || user.sign_in || user.id;

/** Every word stands somewhere in the name or in what they sign in with. */
export function foundPeople(users: readonly User[], q: string): User[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return users.filter((user) => words.every((word) => `${user.name} ${user.sign_in ?? ""}`.toLowerCase().includes(word)));
}
