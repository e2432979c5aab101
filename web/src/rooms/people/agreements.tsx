import type { OrganizationTerms } from "@/api/types";
import { Code, Details, Stack, Tick } from "@/ui";
import { t } from "@/words";

export type Agreed = Record<"terms" | "privacy", boolean>;

/** What the organization entered; of what it did not, our own few sentences. */
export function Agreements({ papers, agreed, onAgree }: { papers: OrganizationTerms | undefined; agreed: Agreed; onAgree: (agreed: Agreed) => void }) {
  return (
    <Stack gap={12}>
      {(["terms", "privacy"] as const).map((which) => (
        <Stack key={which} gap={4}>
          <Tick label={t(`register.${which}`)} checked={agreed[which]} onChange={(on) => onAgree({ ...agreed, [which]: on })} id={`register-${which}`} />
          <PaperOf text={papers?.[which] ?? ""} link={papers?.[`${which}_link`] ?? ""} own={t(`register.own_${which}`)} title={t(`register.read_${which}`)} />
        </Stack>
      ))}
    </Stack>
  );
}

/** Only web pages are linked to, whatever an address says. */
const isPage = (url: string): boolean => /^https?:\/\//i.test(url);

function PaperOf({ text, link, own, title }: { text: string; link: string; own: string; title: string }) {
  const shown = text || (link ? "" : own);
  return (
    <>
      {shown && (
        <Details title={title}>
          <Code label={title}>{shown}</Code>
        </Details>
      )}
      {isPage(link) && (
        <a href={link} target="_blank" rel="noreferrer noopener">
          {link}
        </a>
      )}
    </>
  );
}
