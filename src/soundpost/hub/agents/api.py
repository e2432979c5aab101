"""`/api/v1/sites` and `/api/v1/agents`. `agents`, `links` and `agent_items` are dependencies that app provides."""

from typing import Any

from litestar import Controller, Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from soundpost.hub.agents.items import AgentDetail, AgentItem, AgentItems, SiteItem, SiteRef
from soundpost.hub.agents.links import AgentLinks
from soundpost.hub.agents.service import Agents
from soundpost.hub.audit import service as audit
from soundpost.hub.people import http
from soundpost.kernel.errors import Conflict

AnyRequest = Request[Any, Any, Any]
WHOLE = {"right": "administer", "whole": True}
"""A server's site may hold rooms of many parts."""
TheAgents = NamedDependency[Agents]
TheLinks = NamedDependency[AgentLinks]
TheItems = NamedDependency[AgentItems]


class SiteList(Struct):
    items: list[SiteItem]


class AgentList(Struct):
    items: list[AgentItem]


class AddAgent(Struct, forbid_unknown_fields=True):
    """`password` is generated when left out; `site`: take over one that has no server, else a new one."""

    name: str
    password: str | None = None
    site: str | None = None


class AgentAdded(Struct):
    """`password` is not shown again."""

    id: str
    name: str
    site: SiteRef
    password: str


class RenameAgent(Struct, forbid_unknown_fields=True):
    name: str


class NewPassword(Struct, forbid_unknown_fields=True):
    password: str | None = None


class Password(Struct):
    password: str


class SitesController(Controller):
    path = "/api/v1/sites"
    tags = ("Sites and servers",)

    @get("/", opt={"right": "see"}, summary="All sites, with their server if they have one")
    async def sites(self, request: AnyRequest, agent_items: TheItems) -> SiteList:
        return SiteList(agent_items.sites(agent_items.reader_of(http.principal(request))))


class AgentsController(Controller):
    path = "/api/v1/agents"
    tags = ("Sites and servers",)

    @get("/", opt={"right": "see"}, summary="All servers")
    async def list_agents(self, request: AnyRequest, agent_items: TheItems) -> AgentList:
        return AgentList(agent_items.all(agent_items.reader_of(http.principal(request))))

    @post(
        "/",
        opt={**WHOLE, "faults": "busy name_taken not_found site_taken weak_password"},
        summary="Add an account for a server",
    )
    async def add(self, request: AnyRequest, data: JSONBody[AddAgent], agents: TheAgents) -> AgentAdded:
        added = await agents.add(http.who(request), data.name, data.password, data.site)
        site = SiteRef(added.site.id, added.site.name, added.site.zone)
        return AgentAdded(added.account.id, added.account.name, site, added.password)

    @get("/{agent_id:str}", opt={"right": "see"}, summary="One server")
    async def detail(self, request: AnyRequest, agent_id: FromPath[str], agent_items: TheItems) -> AgentDetail:
        return agent_items.detail(agent_id, agent_items.reader_of(http.principal(request)))

    @patch("/{agent_id:str}", opt={**WHOLE, "faults": "name_taken"}, summary="Rename a server")
    async def rename(
        self,
        request: AnyRequest,
        agent_id: FromPath[str],
        data: JSONBody[RenameAgent],
        agents: TheAgents,
        agent_items: TheItems,
    ) -> AgentItem:
        await agents.rename(http.who(request), agent_id, data.name)
        return agent_items.item(agent_id, agent_items.reader_of(http.principal(request)))

    @post(
        "/{agent_id:str}/password",
        opt={**WHOLE, "faults": "busy weak_password"},
        status_code=200,
        summary="A new password for the next join; the running server keeps its key",
    )
    async def password(
        self,
        request: AnyRequest,
        agent_id: FromPath[str],
        agents: TheAgents,
        data: JSONBody[NewPassword | None] = None,
    ) -> Password:
        return Password(await agents.new_password(http.who(request), agent_id, data.password if data else None))

    @post(
        "/{agent_id:str}/hand-over",
        opt={**WHOLE, "faults": "busy"},
        status_code=200,
        summary="Forget the key, so that another machine can join with the new password",
    )
    async def hand_over(self, request: AnyRequest, agent_id: FromPath[str], agents: TheAgents) -> Password:
        return Password(await agents.hand_over(http.who(request), agent_id))

    @post("/{agent_id:str}/scan", opt={**WHOLE, "faults": "agent_lost:409"}, status_code=202, summary="Sweep now")
    async def scan(
        self,
        request: AnyRequest,
        agent_id: FromPath[str],
        agents: TheAgents,
        links: TheLinks,
    ) -> None:
        account = agents.get(agent_id)
        detail = {"name": account.name}
        async with audit.around(agents.store, http.who(request), "agent.scan", subject=agent_id, detail=detail):
            if not links.scan(account.site):
                raise Conflict(
                    f"The server {account.name} is not connected; it scans by itself, and on request once it is back.",
                    code="agent_lost",
                )

    @delete("/{agent_id:str}", opt=WHOLE, summary="Delete the account; site, devices and history stay")
    async def remove(self, request: AnyRequest, agent_id: FromPath[str], agents: TheAgents) -> None:
        await agents.delete(http.who(request), agent_id)
