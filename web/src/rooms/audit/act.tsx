import type { AuditAct, Reason } from "@/api/types";
import { useNames } from "@/live/known";
import { Act, Code, Details, Dialog, DialogFoot, Facts, Go, Line, SimpleTable, Stack, Td, Text, useFilter, type FactLine } from "@/ui";
import { errorText, format, locale, reasonText, t } from "@/words";
import { devicesIn, differences, type Names } from "./fields";
import { actWord, kindWord, resultWord, subjectName, toldPerson, whoName } from "./words";

/** Why it ended as it did, in words where there are any. */
function why(act: AuditAct): string {
  const reason = act.reason;
  if (!reason) return "";
  if (reason.reason && typeof reason.reason === "object") return reasonText(reason.reason as Reason);
  return typeof reason.code === "string" ? errorText({ code: reason.code, message: reason.code }) : "";
}

/** All that is known of one act: who, from where, on what, before and after, how it ended. */
export function ActDialog({ act, names, onClose }: { act: AuditAct; names: Names; onClose: () => void }) {
  const [, setFilter] = useFilter();
  const devices = useNames(devicesIn(act));
  const changed = differences(act, { ...names, device: (id) => devices.get(id) ?? id });
  const only = (field: string, value: string, name: string) => () => {
    setFilter({ [field]: value, [`${field}_name`]: name === value ? "" : name });
    onClose();
  };
  const subject = subjectName(act);
  const told = toldPerson(act);
  const lines: FactLine[] = [
    { name: t("audit.when"), value: format.absolute(locale(), act.time), id: "act-time" },
    { name: t("audit.by"), value: act.who.kind === "person" && act.who.id ? <Go accent to={`/users?q=${encodeURIComponent(whoName(act))}`}>{whoName(act)}</Go> : whoName(act), note: kindWord(act.who.kind), id: "act-who" },
    ...(told ? [{ name: t("audit.asked_by"), value: t("audit.told_by_agent", { name: told }), id: "act-told" }] : []),
    ...(act.from ? [{ name: t("audit.from"), value: act.from }] : []),
    ...(act.device ? [{ name: t("field.device"), value: <Go accent to={`/devices/${act.device}`}>{act.device_name || act.device}</Go>, id: "act-device" }] : []),
    ...(subject || act.subject ? [{ name: t("audit.on"), value: subject || act.subject, note: subject ? (act.subject ?? undefined) : undefined }] : []),
    { name: t("audit.how"), value: resultWord(act.result), note: why(act) || undefined, id: "act-result" },
    ...(act.ended ? [{ name: t("audit.ended"), value: format.absolute(locale(), act.ended) }] : []),
    ...(act.took_s !== null && act.took_s >= 1 ? [{ name: t("audit.took"), value: format.span(locale(), act.took_s) }] : []),
  ];
  return (
    <Dialog title={actWord(act.act)} onClose={onClose} id="dialog-act" wide>
      <Stack gap={16}>
        <Facts lines={lines} />
        {(act.before || act.after) &&
          (changed.length === 0 ? (
            <Text dim>{t("audit.no_change")}</Text>
          ) : (
            <SimpleTable label={t("audit.change")} head={[t("audit.change"), t("audit.before"), t("audit.after")]}>
              {changed.map((each) => (
                <tr key={each.field} data-testid={`change-${each.field}`}>
                  <Td>{each.name}</Td>
                  <Td>{each.before}</Td>
                  <Td>{each.after}</Td>
                </tr>
              ))}
            </SimpleTable>
          ))}
        {(act.arguments || act.reason) && (
          <Details title={t("audit.said")} id="act-said">
            <Code label={t("audit.said")}>{JSON.stringify({ id: act.id, act: act.act, ...act.arguments, ...(act.reason ? { ended: act.reason } : {}) }, null, 1)}</Code>
          </Details>
        )}
        <DialogFoot
          start={
            <Line gap={8}>
              {act.who.id && <Act small onClick={only("who", act.who.id, whoName(act))} id="act-all-who">{t("audit.all_of_who")}</Act>}
              {act.device && <Act small onClick={only("device", act.device, act.device_name || act.device)} id="act-all-device">{t("audit.all_of_device")}</Act>}
              {act.subject && !act.device && <Act small onClick={only("subject", act.subject, subject || act.subject)} id="act-all-subject">{t("audit.all_of_subject")}</Act>}
              {act.from && <Act small onClick={only("address", act.from, act.from)} id="act-all-address">{t("audit.all_of_address")}</Act>}
            </Line>
          }
        >
          <Act onClick={onClose}>{t("action.close")}</Act>
        </DialogFoot>
      </Stack>
    </Dialog>
  );
}
