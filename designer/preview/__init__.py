"""A draft seen at work before it is published: the engine's own pages, on a sample of the real data, changing nothing.

    world(workspace, actor) -> Application    # the draft over a sample of what the actor may read
    shown(live, workspace, actor) -> Shown(world, problem)    # its last version without mistakes; why not the newest

Whatever is written through a world is taken back.
"""

from designer.preview.showing import Shown, shown, world
from designer.preview.worlds import World, worlds_over

__all__ = ["Shown", "World", "shown", "world", "worlds_over"]
