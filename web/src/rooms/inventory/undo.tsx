import { useState } from "react";
import { api } from "@/api/client";
import type { Point } from "@/api/types";
import { commands, wantedOf, type Asked } from "@/live/commands";
import { keyName } from "@/live/keys";
import { newerThan, type Newer } from "@/live/undo";
import { At, Confirm, Stack, Text } from "@/ui";
import { t } from "@/words";
import { pointText } from "@/words/values";

type Known = Pick<Point, "key" | "label" | "unit" | "step" | "value" | "origin" | "changed">;

/** Undo at once when nothing came between; else the question first. `dialog` is to be shown where the button is. */
export function useUndo(): { undo: (asked: Asked, point?: Known) => void; dialog: React.ReactNode } {
  const [question, setQuestion] = useState<{ asked: Asked; point: Known; newer: Newer } | null>(null);
  const weigh = (asked: Asked, point: Known | undefined) => {
    const newer = newerThan(asked, point);
    if (newer && point) setQuestion({ asked, point, newer });
    else commands.undo(asked);
  };
  const undo = (asked: Asked, point?: Known) => {
    if (point || asked.capability !== "control") return weigh(asked, point);
    // the value is not on this page: ask what it is now; if nobody answers, the instruction itself will say so
    api.get<{ items: Point[] }>(`/devices/${asked.device}/points`).then(
      (page) => weigh(asked, page.items.find((each) => each.key === asked.arguments.key)),
      () => commands.undo(asked),
    );
  };
  const dialog = question && (
    <UndoDialog
      {...question}
      onClose={() => setQuestion(null)}
      onAct={() => {
        commands.undo(question.asked);
        setQuestion(null);
      }}
    />
  );
  return { undo, dialog };
}

function UndoDialog({ asked, point, newer, onAct, onClose }: { asked: Asked; point: Known; newer: Newer; onAct: () => void; onClose: () => void }) {
  const back = pointText(point, (asked.command?.undo?.arguments.value ?? null) as Point["value"]);
  return (
    <Confirm title={t("undo.title")} act={t("undo.act")} id="undo" onAct={onAct} onClose={onClose}>
      <Stack gap={8}>
        <Text>{t("undo.text", { what: point.label || keyName(point.key), set: pointText(point, wantedOf(asked) ?? null), value: pointText(point, newer.value), back })}</Text>
        {(newer.person || newer.device) && (
          <Text dim>
            {newer.person ? t("undo.by", { person: newer.person }) : t("undo.at_device")} {newer.time && <At time={newer.time} />}
          </Text>
        )}
      </Stack>
    </Confirm>
  );
}
