"""The rules that a run is judged by, a module a theme: to add one, see `Rules.add`. They never count or measure."""
