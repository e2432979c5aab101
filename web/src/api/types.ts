/** The names the client uses for the shapes of the API. They are made in `schema.ts` from the hub's own document (`make api`), which
 *  nobody edits; only what a browser makes itself stands here. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Session = Schemas["SessionView"];
export type Right = Session["rights"][number];
export type SecondAsked = Schemas["SecondAskedView"];
export type AccountInfo = Schemas["AccountView"];
export type FactorInfo = Schemas["FactorView"];
export type OpenSession = Schemas["OpenSessionItem"];
export type Begun = Schemas["BegunView"];
export type SecondFactorPolicy = Schemas["PolicyBody"]["demanded_of"];


export type Reason = Schemas["ReasonView"];
export type Params = Record<string, unknown>;
export type Site = Schemas["SiteRef"];

export type Device = Schemas["DeviceItem"];
export type Status = Device["status"];
export type Support = Device["capabilities"][string];
export type Period = Schemas["HistoryItem"];
export type Found = Schemas["FoundItem"];

export type Point = Schemas["PointItem"];
export type Quality = Point["quality"];
export type Value = boolean | number | string;

export type Command = Schemas["CommandView"];
export type CommandState = Command["status"];

export type Summary = Schemas["Summary"];
export type Need = Schemas["Need"];
export type Counts = Record<string, number>;
export type Fact = Schemas["EventItem"];

export type Agent = Schemas["AgentItem"];
export type AgentDetail = Schemas["AgentDetail"];
export type AgentState = Agent["state"];
export type Scan = Schemas["ScanView"];
export type SiteRow = Schemas["SiteItem"];

export type ExternalHub = Schemas["HubView"];
export type HubCheck = Schemas["HubCheck"];
export type Discovery = Schemas["DiscoveryView"];
export type CeilingSetting = Schemas["CeilingView"];
/** As it is put: a password only for a new or changed set. */
export type CredentialSet = Schemas["SetView"] & { password?: string };

/** A place of the tree people draw. */
export type Place = Schemas["LocationItem"];
export type Photo = Schemas["PhotoItem"];
export type PlaceKind = Place["kind"];
export type PlaceRef = Schemas["LocationRef"];
export type PlaceRule = Schemas["RuleItem"];
export type Imported = Schemas["Imported"];

export type OrganizationSettings = Schemas["OrganizationView"];
export type OrganizationTerms = Schemas["TermsView"];
export type MailSettings = Schemas["MailView"];
export type SmsSettings = Schemas["SmsView"];
export type Way = Schemas["WayView"];
export type Trial = Schemas["TrialView"];
export type Outgoing = Schemas["MessageView"];
/** The topic `messages`. */
export interface Ways {
  name: string;
  mail: Way;
  sms: Way;
  address: boolean;
  settings: number;
  queue: number;
}
/** One act of the audit: how it began and how it ended. */
export type AuditAct = Schemas["ActView"];
export type AccessReview = Schemas["AccessReview"];
export type AccessLine = Schemas["AccessLine"];
export type AuditStream = Schemas["StreamItem"];
export type AuditStreamAdded = Schemas["AddedStream"];
export type AuditStreamTrial = Schemas["StreamTrial"];
export type AuditProof = Schemas["AuditProof"];
export type User = Schemas["UserItem"];
export type ResetMade = Schemas["ResetLink"];
export type AddedUser = Schemas["AddedUser"];
export type ApiKey = Schemas["KeyItem"];
export type MadeKey = Schemas["MadeKey"];
export type Invitation = Schemas["InvitationView"];
/** A named filter of a list. */
export type View = Schemas["ViewItem"];

export type Problem = Pick<Schemas["Problem"], "title" | "status" | "code" | "detail"> & Partial<Schemas["Problem"]>;

export interface Page<T> {
  items: T[];
  total?: number;
  next: string | null;
}
