import { useEffect, useState } from "react";
import { Dialog, Kbd, Line, RowLine, Rows, Text, useGo } from "@/ui";
import { t, type Key } from "@/words";

const GOES: Record<string, string> = { d: "/", l: "/locations", p: "/devices/pro-audio", s: "/servers", e: "/settings" };
const LIST: [string[], Key][] = [
  [["/"], "shortcuts.search"],
  [["g", "d"], "nav.dashboard"],
  [["g", "l"], "nav.locations"],
  [["g", "p"], "nav.pro_audio"],
  [["g", "s"], "nav.servers"],
  [["g", "e"], "nav.settings"],
  [["↑", "↓"], "shortcuts.rows"],
  [["→", "←"], "shortcuts.open"],
  [["Enter"], "shortcuts.enter"],
  [["Space"], "shortcuts.tick"],
  [["?"], "shortcuts.title"],
];

export function Shortcuts() {
  const go = useGo();
  const [open, setOpen] = useState(false);
  useEffect(() => {
    let armed = 0;
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input,textarea,select,[contenteditable],[role=dialog]")) return;
      if (event.key === "/") {
        event.preventDefault();
        document.querySelector<HTMLInputElement>("[data-testid=nav-search]")?.focus();
      } else if (event.key === "?") setOpen(true);
      else if (event.key === "g") armed = Date.now();
      else if (Date.now() - armed < 1_200 && GOES[event.key]) {
        armed = 0;
        go(GOES[event.key]!);
      }
    };
    const show = () => setOpen(true);
    addEventListener("keydown", onKey);
    addEventListener("soundpost:shortcuts", show);
    return () => {
      removeEventListener("keydown", onKey);
      removeEventListener("soundpost:shortcuts", show);
    };
  }, [go]);
  if (!open) return null;
  return (
    <Dialog title={t("shortcuts.title")} onClose={() => setOpen(false)} id="dialog-shortcuts">
      <Rows>
        {LIST.map(([keys, name]) => (
          <RowLine
            key={name}
            end={
              <Line gap={4}>
                {keys.map((key) => (
                  <Kbd key={key}>{key}</Kbd>
                ))}
              </Line>
            }
          >
            <Text>{t(name)}</Text>
          </RowLine>
        ))}
      </Rows>
    </Dialog>
  );
}
