import { Button } from "@mantine/core";
import { lazy, Suspense } from "react";
import { format, locale, t } from "@/words";
import { Act, CopyAct } from "./forms";
import { PhotoLinks, type Shown } from "./photos";
import { Facts, Reach, Stack, Text, type FactLine } from "./layout";
import { Dialog, DialogFoot, Loading } from "./states";
import { LocalTime, useNow } from "./time";

const QrCode = lazy(async () => ({ default: (await import("./label")).QrCode }));

/** What somebody on the way has to know. `floor` and what is unknown are "". */
export interface Errand {
  name: string;
  path: string;
  address: string;
  floor: string;
  contact: string;
  notes: string;
  zone: string;
  /** The page of the place. */
  url: string;
  /** What it looks like. */
  photos: Shown[];
  /** One line for each thing that is wrong; null until it is known. */
  wrong: string[] | null;
}

const MAIL = /[^\s@,;<>()]+@[^\s@,;<>()]+\.[a-z]{2,}/i;
/** A mail program takes no longer address than this from a link. */
const MAIL_MOST = 1_800;

/** As a message: what the dialog shows, line by line. */
export function errandText(errand: Errand, now: number): string {
  const clock = errand.zone && `${format.timeOfDay(locale(), now, errand.zone)} (${errand.zone})`;
  const lines: [string, string][] = [
    [t("field.street"), errand.address],
    [t("send.floor"), errand.floor],
    [t("field.contact"), errand.contact],
    [t("send.time_there"), clock],
    [t("field.notes"), errand.notes],
  ];
  const wrong = errand.wrong?.length ? errand.wrong : [t("send.nothing_wrong")];
  return [errand.path, ...lines.filter(([, value]) => value).map(([name, value]) => `${name}: ${value}`), "", `${t("send.wrong")}:`, ...wrong.map((line) => `- ${line}`), "", `${t("send.page")}: ${errand.url}`].join("\n");
}

export function mailLink(errand: Errand, now: number): string {
  const to = MAIL.exec(errand.contact)?.[0] ?? "";
  const body = errandText(errand, now);
  const link = (text: string) => `mailto:${encodeURIComponent(to).replace("%40", "@")}?subject=${encodeURIComponent(t("send.subject", { place: errand.path }))}&body=${encodeURIComponent(text)}`;
  return link(body).length <= MAIL_MOST ? link(body) : link(`${errand.path}\n${t("send.page")}: ${errand.url}`);
}

/** Where somebody has to go, whom to ask there, and what is wrong: to be copied, mailed or shared. */
export function SendSheet({ errand, onClose }: { errand: Errand; onClose: () => void }) {
  const now = useNow();
  const none = <Text dim>–</Text>;
  const lines: FactLine[] = [
    { name: t("field.location"), value: <Text wrap>{errand.path}</Text>, id: "send-path" },
    { name: t("field.street"), value: errand.address ? <Text wrap>{errand.address}</Text> : none, id: "send-address" },
    { name: t("send.floor"), value: errand.floor || none, id: "send-floor" },
    { name: t("field.contact"), value: errand.contact ? <Reach text={errand.contact} /> : none, id: "send-contact" },
    { name: t("send.time_there"), value: errand.zone ? <LocalTime zone={errand.zone} /> : none, id: "send-time" },
    ...(errand.notes ? [{ name: t("field.notes"), value: <Text wrap>{errand.notes}</Text> }] : []),
  ];
  const text = errandText(errand, now);
  const share = typeof navigator.share === "function" ? () => void navigator.share({ title: errand.path, text }).catch(() => undefined) : undefined;
  return (
    <Dialog title={t("send.title", { name: errand.name })} onClose={onClose} id="dialog-send" wide>
      <Stack gap={16}>
        <Facts lines={lines} />
        {errand.photos.length > 0 && <PhotoLinks photos={errand.photos} of={errand.path} id="send-photos" />}
        <Stack gap={4}>
          <Text strong>{t("send.wrong")}</Text>
          {errand.wrong === null ? (
            <Loading rows={2} />
          ) : errand.wrong.length === 0 ? (
            <Text dim id="send-wrong">{t("send.nothing_wrong")}</Text>
          ) : (
            <ul className="plain-list" data-testid="send-wrong">
              {errand.wrong.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          )}
        </Stack>
        <div className="line gap-12 keep">
          <Suspense fallback={null}>
            <span className="qr-small">
              <QrCode text={errand.url} label={t("label.alt", { place: errand.path })} />
            </span>
          </Suspense>
          <Stack gap={4}>
            <Text dim>{t("send.page")}</Text>
            <a className="go accent wrap" href={errand.url} data-testid="send-url">
              {errand.url}
            </a>
          </Stack>
        </div>
        <DialogFoot>
          {share && (
            <Act icon="share" onClick={share} id="send-share">
              {t("send.share")}
            </Act>
          )}
          <Button component="a" href={mailLink(errand, now)} size="xs" variant="default" data-testid="send-mail" styles={{ root: { fontSize: "0.8125rem", fontWeight: 500, borderColor: "var(--line-strong)" } }}>
            {t("send.mail")}
          </Button>
          <CopyAct primary text={text} label={t("send.copy")} id="send-copy" />
        </DialogFoot>
      </Stack>
    </Dialog>
  );
}
