import { useState } from "react";
import { api } from "@/api/client";
import { useCall } from "@/live/call";
import { Confirm, Notice, Stack, Text, Tool, ToolBar } from "@/ui";
import { t } from "@/words";

/** Messages from before the hub was put back to an older state: they may be out already, so an owner says whether they go. */
export function Held({ n, locked }: { n: number; locked: string | null }) {
  const [act, setAct] = useState<"release" | "drop" | null>(null);
  const { busy, error, run } = useCall<unknown>();
  if (n === 0) return null;
  const sure = async () => {
    if (await run(() => api.post(`/organization/messages/held/${act}`))) setAct(null);
  };
  return (
    <Notice tone="degraded" id="held">
      <Stack gap={8}>
        <Text id="held-text" wrap>
          {t("organization.held", { n })}
        </Text>
        <ToolBar label={t("organization.messages")}>
          <Tool name={t("organization.held_send")} onClick={() => setAct("release")} reason={locked} id="held-send" />
          <Tool name={t("organization.held_drop")} onClick={() => setAct("drop")} reason={locked} id="held-drop" danger />
        </ToolBar>
      </Stack>
      {act && (
        <Confirm title={t(act === "drop" ? "organization.held_drop_title" : "organization.held_send_title")} act={t(act === "drop" ? "organization.held_drop" : "organization.held_send")} danger={act === "drop"} busy={busy} error={error} onAct={() => void sure()} onClose={() => setAct(null)} id="held">
          <Text>{t(act === "drop" ? "organization.held_drop_text" : "organization.held_send_text", { n })}</Text>
        </Confirm>
      )}
    </Notice>
  );
}
