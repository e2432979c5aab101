import { useState } from "react";
import { api } from "@/api/client";
import type { ApiKey } from "@/api/types";
import { useCall } from "@/live/call";
import { useAway } from "@/live/hooks";
import { Act, Ago, At, Confirm, Dialog, DialogFoot, EndsOn, Facts, Notice, Stack, Text, useNow } from "@/ui";
import { format, locale, t } from "@/words";
import { leftOf, scopeName, startOf } from "./key-words";

interface Props {
  item: ApiKey;
  where: string;
  onClose: () => void;
}

export function KeyDetails({ item, where, onClose }: Props) {
  const [revoking, setRevoking] = useState(false);
  const away = useAway() !== null;
  const left = leftOf(item);
  const lines = [
    { name: t("keys.start"), value: item.prefix ? <Text mono>{startOf(item)}</Text> : t("keys.prefix_unknown") },
    { name: t("field.person"), value: item.person.name },
    { name: t("field.may"), value: scopeName(item.scope), note: left?.left },
    { name: t("field.where"), value: where },
    { name: t("field.made"), value: <At time={item.created} /> },
    { name: t("field.last_used"), value: item.used ? <Ago time={item.used} /> : t("keys.never_used"), note: item.used && item.used_from ? t("keys.from", { address: item.used_from }) : undefined },
    { name: t("field.expires"), value: item.expires ? <EndsOn time={item.expires} /> : t("keys.never") },
  ];
  if (revoking) return <RevokeKey item={item} onClose={onClose} />;
  return (
    <Dialog title={item.name} onClose={onClose} id="dialog-key" wide>
      <Stack gap={12}>
        {left && (
          <Notice tone="degraded" id="key-weaker">
            {left.sentence}
          </Notice>
        )}
        <Facts lines={lines} />
        <DialogFoot
          start={
            <Act danger disabled={away} onClick={() => setRevoking(true)} id="key-details-revoke">
              {t("keys.revoke")}
            </Act>
          }
        >
          <Act primary onClick={onClose} id="key-details-close">
            {t("action.close")}
          </Act>
        </DialogFoot>
      </Stack>
    </Dialog>
  );
}

/** Names the key, and says when something used it last: what that was stops. */
export function RevokeKey({ item, onClose }: { item: ApiKey; onClose: () => void }) {
  const { busy, error, run } = useCall<boolean>();
  const now = useNow();
  const act = async () => {
    const done = await run(async () => {
      await api.delete(`/keys/${item.id}`);
      return true;
    });
    if (done) onClose();
  };
  const ago = item.used && t("time.ago", { span: format.span(locale(), (now - Date.parse(item.used)) / 1000) });
  return (
    <Confirm title={t("keys.revoke_title", { name: item.name })} act={t("keys.revoke_act")} danger id="revoke-key" busy={busy} error={error} onClose={onClose} onAct={() => void act()}>
      <Text id="revoke-key-used">{ago ? t("keys.revoke_used", { ago, address: item.used_from || "–" }) : t("keys.revoke_unused")}</Text>
      {!item.mine && <Text>{t("keys.revoke_of", { person: item.person.name })}</Text>}
      <Text dim>{t("keys.revoke_text")}</Text>
    </Confirm>
  );
}
