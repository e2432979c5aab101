import { useRouterState } from "@tanstack/react-router";
import { commands, useAsked, type Asked } from "@/live/commands";
import { keyName } from "@/live/keys";
import { useKnown } from "@/live/known";
import { fullName } from "@/live/names";
import { outcomeOf, verb } from "@/live/outcome";
import { useUndo } from "@/rooms/inventory/undo";
import { Outcome, Tray } from "@/ui";
import { t } from "@/words";
import { pointText } from "@/words/values";

/** What was asked from a list, and what became of it; a device's own page shows this beside its controls. */
export function CommandTray() {
  const asked = useAsked();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const page = /^\/devices\/(dev_\w+)$/.exec(path)?.[1];
  const known = useKnown([...asked.map((item) => item.device), ...(page ? [page] : [])]);
  const own = (item: Asked) => item.device === page || (item.capability === "hands_off" && page !== undefined && item.device === known.get(page)?.stack);
  const shown = asked.filter((item) => !own(item));
  if (shown.length === 0) return null;
  const nameOf = (id: string) => {
    const device = known.get(id);
    return device ? fullName(device, device.stack ? known.get(device.stack) : null) : "…";
  };
  return (
    <Tray title={t("tray.title", { n: shown.length })} onClose={() => commands.clear()} id="tray">
      {shown.map((item) => (
        <TrayLine key={item.key} item={item} name={nameOf(item.device)} />
      ))}
    </Tray>
  );
}

function deed(item: Asked): string {
  const { capability, arguments: args } = item;
  if (capability === "hands_off") return args.minutes === 0 ? t("hands_off.take_it_back") : `${verb(capability)} ${t("hands_off.for", { n: Number(args.minutes) })}`;
  if (capability !== "control") return verb(capability);
  const key = String(args.key);
  return `${keyName(key)} → ${pointText({ key }, args.value as never)}`;
}

function TrayLine({ item, name }: { item: Asked; name: string }) {
  const { undo, dialog } = useUndo();
  const { phase, text, undoable, retry } = outcomeOf(item);
  return (
    <>
      <Outcome phase={phase} subject={`${deed(item)} · ${name}`} text={text} id={item.device} onRetry={retry} onUndo={undoable ? () => undo(item) : undefined} onDismiss={() => commands.dismiss(item.key)} />
      {dialog}
    </>
  );
}
