import { useState } from "react";
import { api } from "@/api/client";
import { useSession } from "@/api/session";
import type { Found } from "@/api/types";
import { useFound } from "@/live/hooks";
import { useWhyNot } from "@/live/may";
import { Act, At, Details, ErrorNote, Go, Grow, RowLine, Rows, Shape, Text, Two } from "@/ui";
import { maybe, reasonText, t } from "@/words";

export function FoundList({ shown, onShow, site }: { shown: boolean; onShow: (on: boolean) => void; site?: string }) {
  const store = useFound();
  const items = [...store.rows.values()].filter((found) => !site || site.split(",").includes(found.site.id));
  if (items.length === 0) return null;
  return (
    <Details id="found" open={shown} onToggle={(on) => on !== shown && onShow(on)} title={<Text>{t("found.title", { n: items.length })}</Text>}>
      <Rows>
        {items.map((found) => (
          <FoundLine key={found.id} found={found} />
        ))}
      </Rows>
    </Details>
  );
}

function FoundLine({ found }: { found: Found }) {
  const { session } = useSession();
  const [asked, setAsked] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const why = useWhyNot("administer");
  const local = session.edition === "local_agent";
  const list = async () => {
    setError(null);
    try {
      await api.post(`/found/${found.id}/list`);
      setAsked(true);
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <RowLine
      id={`found-${found.id}`}
      end={
        found.reason.code === "asks" ? (
          asked ? (
            <Text dim>{t("control.asked")}</Text>
          ) : (
            <Act small id={`found-${found.id}-list`} reason={why} onClick={() => void list()}>
              {t("found.list")}
            </Act>
          )
        ) : found.reason.code === "sign_in_refused" && local ? (
          <Go accent to="/settings/credentials">
            {t("found.credentials")}
          </Go>
        ) : undefined
      }
    >
      <Shape status="unknown" />
      <Grow>
        <Two
          first={
            <>
              <Text strong>
                {found.address}:{found.port}
              </Text>{" "}
              <Text dim>
                {found.site.name} {found.serials.length > 0 && `· ${found.serials.join(", ")}`}
              </Text>
            </>
          }
          second={
            <>
              {reasonText(found.reason)} {found.remedy && maybe(`remedy.${found.remedy.code}`, found.remedy.text)}
            </>
          }
        />
        <ErrorNote error={error} />
      </Grow>
      <Text small dim>
        <At time={found.time} />
      </Text>
    </RowLine>
  );
}
