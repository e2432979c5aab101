/** Days of the reader's own calendar, as `YYYY-MM-DD`. */

const two = (n: number) => String(n).padStart(2, "0");

export const dayOf = (time: string | number): string => {
  const at = new Date(time);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
};

/** The last second of a day here, as a time for the hub; null for no day. */
export function endOfDay(day: string): string | null {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return null;
  return new Date(year, month - 1, date, 23, 59, 59).toISOString();
}

export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
