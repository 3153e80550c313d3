"""The highest rate that holds the objectives, found by separate runs. It never measures by itself."""
