import { useState } from "react";
import { api } from "@/api/client";
import { useSession } from "@/api/session";
import type { ResetMade, User } from "@/api/types";
import { useCall } from "@/live/call";
import { Act, Confirm, Dialog, DialogFoot, Notice, Secret, Stack, Text, Tick } from "@/ui";
import { t } from "@/words";
import { whole } from "./add-users";
import { shownName } from "./user-words";

interface Props {
  user: User;
  onClose: () => void;
}

/** What an administrator does for somebody who forgot the password: a link by mail, or one to hand over. */
export function ResetFor({ user, onClose }: Props) {
  const { session } = useSession();
  const mails = session.forgotten === "mail";
  const [byHand, setByHand] = useState(false);
  const { busy, error, result, run } = useCall<ResetMade>();
  const title = t("users.reset_title", { name: shownName(user) });
  if (result)
    return (
      <Dialog title={title} onClose={onClose} id="dialog-reset-made" wide stays={Boolean(result.link)}>
        <Stack gap={12}>
          {result.link ? (
            <>
              <Notice tone="degraded">{t("users.reset_note", { n: result.minutes })}</Notice>
              <Secret text={whole(result.link)} id="reset-link" label={t("users.link_of", { name: shownName(user) })} />
            </>
          ) : (
            <Notice tone="accent" id="reset-mailed">{t("users.reset_mailed", { address: user.sign_in, n: result.minutes })}</Notice>
          )}
          <DialogFoot>
            <Act primary onClick={onClose} id="reset-close">
              {t("action.close")}
            </Act>
          </DialogFoot>
        </Stack>
      </Dialog>
    );
  const make = () => run(() => api.post<ResetMade>(`/users/${user.id}/reset${byHand ? "?hand_over=true" : ""}`));
  return (
    <Confirm title={title} act={t(mails && !byHand ? "users.reset_send" : "users.reset_show")} id="reset" busy={busy} error={error} onClose={onClose} onAct={() => void make()}>
      <Text>{mails && !byHand ? t("users.reset_by_mail", { address: user.sign_in }) : t("users.reset_by_hand")}</Text>
      <Text dim>{t("users.reset_text")}</Text>
      {mails && <Tick label={t("users.reset_hand")} checked={byHand} onChange={setByHand} id="reset-by-hand" />}
    </Confirm>
  );
}

export function SignOut({ user, onClose }: Props) {
  const { session } = useSession();
  const { busy, error, run } = useCall<unknown>();
  const act = async () => {
    if (await run(() => api.post(`/users/${user.id}/sign-out`))) onClose();
  };
  return (
    <Confirm title={t("users.sign_out_title", { name: shownName(user) })} act={t("users.sign_out_act")} danger id="sign-out" busy={busy} error={error} onClose={onClose} onAct={() => void act()}>
      <Text>{t("users.sign_out_text")}</Text>
      {user.id === session.person?.id && <Notice tone="degraded">{t("users.sign_out_you")}</Notice>}
    </Confirm>
  );
}

export function RemoveFactor({ user, onClose }: Props) {
  const { busy, error, run } = useCall<boolean>();
  const act = async () => {
    const done = await run(async () => {
      await api.delete(`/users/${user.id}/second-factor`);
      return true;
    });
    if (done) onClose();
  };
  return (
    <Confirm title={t("users.factor_title", { name: shownName(user) })} act={t("users.factor_act")} danger id="factor" busy={busy} error={error} onClose={onClose} onAct={() => void act()}>
      <Text>{t("users.factor_text")}</Text>
    </Confirm>
  );
}
