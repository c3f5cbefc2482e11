"""The tree register, its groups and the settings of watering over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection

from stadtsinn.base.berlin import local
from stadtsinn.base.problems import Invalid
from stadtsinn.cloud.domains.trees import group_service, register_service, repository
from stadtsinn.cloud.domains.trees.grouping import Grouping
from stadtsinn.cloud.domains.trees.model import TreeGroup, TreeGroupBody, TreeSettings
from stadtsinn.cloud.domains.trees.register_file import RegisterRefused
from stadtsinn.cloud.domains.trees.register_row import Tree
from stadtsinn.cloud.domains.trees.register_service import Wanted
from stadtsinn.cloud.domains.trees.schemas import ImportView, NewRegister, TreeView
from stadtsinn.cloud.platform.access.dependencies import (
    EditorDep,
    ReaderDep,
    Services,
    ServicesDep,
)
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.api.fields import PLAIN
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of, unchanged
from stadtsinn.cloud.platform.api.path_parameters import SlugInPath
from stadtsinn.cloud.town.changing import changing

router = APIRouter(tags=["trees"])

TreeInPath = Annotated[
    str, Path(min_length=1, max_length=63, description="As the register numbers it."), PLAIN
]


# --- register --------------------------------------------------------------------------


@router.get("/trees", summary="List trees · Bäume auflisten")
def list_trees(
    scope: ReaderDep,
    services: ServicesDep,
    page: PageDep,
    without_group: Annotated[
        bool, Query(description="Only trees for which no station stands.")
    ] = False,
) -> Page[TreeView]:
    """The register in the order of its numbers, each tree with its group, or why it has none."""
    with services.database.read() as connection:
        grouping = _grouping(connection, scope, services)
        rows = repository.trees_page(
            connection, scope, page.after_text, None if without_group else page.fetch
        )
    if without_group:
        rows = [one for one in rows if grouping.of(one).group is None][: page.fetch]
    return page_of(rows, page, lambda row: row.number, lambda row: _view(row, grouping))


@router.post(
    "/trees/import", status_code=201, summary="Import a tree register · Baumkataster einlesen"
)
def import_trees(scope: EditorDep, services: ServicesDep, body: NewRegister) -> ImportView:
    """Trees that are there become as the register says; others stay. All mistakes are named at
    once, each with its line; then nothing is changed. A large register is imported on the server:
    `stadtsinn tree import`."""
    wanted = Wanted(body.crs, body.number, body.remove_missing, body.dry_run)
    content = body.register_.encode()
    try:
        done = register_service.import_register(
            services.database, scope, content, wanted, services.clock.now()
        )
    except RegisterRefused as refused:
        raise Invalid.of(refused.sentence) from None
    with services.database.read() as connection:
        grouping = _grouping(connection, scope, services)
    trees = done.register.trees
    return ImportView(
        trees=len(trees),
        new=done.new,
        changed=done.changed,
        same=done.same,
        missing=done.missing,
        removed=done.removed,
        without_position=done.register.unplaced,
        without_group=sum(1 for one in trees if grouping.of(one).group is None),
        crs=done.register.system,
        left_out=list(done.register.left_out),
    )


@router.get("/trees/{tree:path}", summary="Read a tree · Baum lesen")
def read_tree(scope: ReaderDep, services: ServicesDep, tree: TreeInPath) -> TreeView:
    with services.database.read() as connection:
        grouping = _grouping(connection, scope, services)
        return _view(repository.tree(connection, scope, tree), grouping)


@router.delete(
    "/trees/{tree:path}", status_code=204, summary="Take a tree off · Baum aus dem Kataster nehmen"
)
def delete_tree(scope: EditorDep, services: ServicesDep, tree: TreeInPath) -> None:
    """Its waterings stay on record."""
    register_service.delete_tree(services.database, scope, tree, services.clock.now())


def _grouping(connection: Connection, scope: Scope, services: Services) -> Grouping:
    groups = repository.groups_page(connection, scope, None, None)
    return Grouping(groups, _today(services))


def _today(services: Services) -> date:
    return local(services.clock.now()).date()


def _view(tree: Tree, grouping: Grouping) -> TreeView:
    found = grouping.of(tree)
    return TreeView(
        number=tree.number,
        species=tree.species,
        species_de=tree.species_de,
        planted_year=tree.planted_year,
        planted_month=tree.planted_month,
        standing_year=grouping.standing_year(tree),
        street=tree.street,
        latitude=tree.latitude,
        longitude=tree.longitude,
        soil_class=tree.soil_class,
        exposure=tree.exposure,
        bag_litres=tree.bag_litres,
        group=found.group,
        without_group=found.lack,
    )


# --- groups ----------------------------------------------------------------------------


@router.get("/tree-groups", summary="List groups of trees · Baumgruppen auflisten")
def list_groups(scope: ReaderDep, services: ServicesDep, page: PageDep) -> Page[TreeGroup]:
    with services.database.read() as connection:
        rows = repository.groups_page(connection, scope, page.after_text, page.fetch)
    return page_of(rows, page, lambda row: row.slug, unchanged)


@router.post(
    "/tree-groups", status_code=201, summary="Create a group of trees · Baumgruppe anlegen"
)
def create_group(scope: EditorDep, services: ServicesDep, body: TreeGroup) -> TreeGroup:
    """A station stands for trees of like soil, exposure, species and standing year."""
    with changing(services, scope) as connection:
        group_service.create_group(connection, scope, body)
    return body


@router.get("/tree-groups/{group}", summary="Read a group of trees · Baumgruppe lesen")
def read_group(scope: ReaderDep, services: ServicesDep, group: SlugInPath) -> TreeGroup:
    with services.database.read() as connection:
        return repository.group(connection, scope, group)


@router.put("/tree-groups/{group}", summary="Replace a group of trees · Baumgruppe ändern")
def replace_group(
    scope: EditorDep, services: ServicesDep, group: SlugInPath, body: TreeGroupBody
) -> TreeGroup:
    record = TreeGroup(slug=group, **dict(body))
    with changing(services, scope) as connection:
        group_service.replace_group(connection, scope, record)
    return record


@router.delete(
    "/tree-groups/{group}", status_code=204, summary="Delete a group · Baumgruppe löschen"
)
def delete_group(scope: EditorDep, services: ServicesDep, group: SlugInPath) -> None:
    """Its trees and their waterings stay."""
    with changing(services, scope) as connection:
        group_service.delete_group(connection, scope, group)


# --- settings --------------------------------------------------------------------------


@router.get("/tree-settings", summary="How the town waters · Einstellungen zum Gießen lesen")
def read_settings(scope: ReaderDep, services: ServicesDep) -> TreeSettings:
    with services.database.read() as connection:
        return repository.settings(connection, scope)


@router.put("/tree-settings", summary="Set how the town waters · Einstellungen ändern")
def replace_settings(scope: EditorDep, services: ServicesDep, body: TreeSettings) -> TreeSettings:
    with changing(services, scope) as connection:
        group_service.replace_settings(connection, scope, body)
    return body
